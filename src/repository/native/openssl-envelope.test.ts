import { beforeEach, expect, it, vi } from 'vitest';
import { openSslEnvelope } from './openssl-envelope.ts';

/** A library in which some functions answer null, as one that keeps to FIPS does. */
const library = vi.hoisted(() => ({ nothingFrom: '', called: [] as string[] }));
vi.mock('./process-library.ts', () => ({
  bindToProcess: (bind: (func: (prototype: string) => unknown) => unknown) => {
    const func = (prototype: string) => {
      const name = /(\w+)\(/.exec(prototype)?.[1] as string;
      return () => {
        library.called.push(name);
        return name === library.nothingFrom ? null : 1;
      };
    };
    try {
      return bind(func);
    } catch {
      return undefined;
    }
  },
}));

beforeEach(() => {
  library.called = [];
});

it.each(['EVP_MAC_fetch', 'EVP_CIPHER_CTX_new', 'EVP_MAC_CTX_new', 'EVP_aes_256_ctr'])(
  'is not there when %s gives nothing, and nothing is called with null',
  (name) => {
    library.nothingFrom = name;
    expect(openSslEnvelope()).toBe(undefined);
    expect(library.called).not.toContain('EVP_CipherInit_ex');
    if (name === 'EVP_MAC_fetch') expect(library.called).not.toContain('EVP_MAC_CTX_new');
  },
);

it('is there otherwise', () => {
  library.nothingFrom = '';
  expect(openSslEnvelope()).toBeDefined();
});
