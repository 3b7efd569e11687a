import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Location } from '../../src/repository/index.ts';
import { RetryingLocation } from '../../src/repository/location/retrying-location.ts';
import {
  type FaultyHttpProxy,
  type HttpFault,
  slowDown,
  startFaultyProxy,
} from '../support/faulty-http-proxy.ts';

export interface PlaceUnderFaults extends AsyncDisposable {
  /** Of the real server. */
  readonly url: string;
  /** An empty location on that server, reached over `url`; without retries. */
  open(url: string): Location;
}

const quick = { attempts: 4, firstPauseMs: 1, longestPauseMs: 2 };

function file(sizeBytes: number): { name: string; bytes: Uint8Array } {
  const bytes = new Uint8Array(randomBytes(sizeBytes));
  return { name: createHash('sha256').update(bytes).digest('hex'), bytes };
}

const broken: readonly [string, Omit<HttpFault, 'nth'>][] = [
  ['500', { effect: 'answer', status: 500, body: 'no' }],
  ['503 SlowDown', slowDown],
  ['a reset', { effect: 'reset' }],
  ['an answer that is lost after it was done', { effect: 'lost-answer' }],
  ['an answer that breaks off', { effect: 'cut-answer' }],
];

/**
 * What a network and a server do to requests, between ours and a real server: every acknowledged call must be true, and every
 * fault must be got over by trying again. `verifiesReads`: the server says what a file has, so that a flipped bit is noticed
 * in packs too (elsewhere the repository notices it when it decrypts).
 */
export function testHttpFaults(
  name: string,
  start: () => Promise<PlaceUnderFaults>,
  traits: { readonly verifiesReads: boolean },
): void {
  describe(`${name} over a bad network`, () => {
    let place: PlaceUnderFaults;
    let proxy: FaultyHttpProxy;
    let truth: Location;
    let location: Location;

    beforeAll(async () => {
      place = await start();
      proxy = await startFaultyProxy(place.url);
      truth = place.open(place.url);
      await truth.create();
      location = new RetryingLocation(place.open(proxy.url), quick);
    });
    afterAll(async () => {
      await location?.close?.();
      await truth?.close?.();
      await proxy?.[Symbol.asyncDispose]();
      await place?.[Symbol.asyncDispose]();
    });

    it.each([...broken, ['a request that breaks off', { effect: 'cut-request' }] as const])(
      'writes in spite of %s',
      async (_, fault) => {
        const { name, bytes } = file(300_000);
        proxy.inject({ ...fault, method: writeMethod(), nth: 1 });
        await location.write('data', name, bytes);
        proxy.assertFired();
        expect(Buffer.compare(await truth.read('data', name), bytes)).toBe(0);
      },
    );

    it('stores no bit that was flipped on its way', async () => {
      const { name, bytes } = file(300_000);
      proxy.inject({ effect: 'flip-request', method: writeMethod(), nth: 1 });
      await location.write('data', name, bytes);
      proxy.assertFired();
      expect(Buffer.compare(await truth.read('data', name), bytes)).toBe(0);
    });

    it.each(broken)('reads in spite of %s', async (_, fault) => {
      const { name, bytes } = file(300_000);
      await truth.write('index', name, bytes);
      proxy.inject({ ...fault, method: 'GET', nth: 1 });
      expect(Buffer.compare(await location.read('index', name), bytes)).toBe(0);
      proxy.assertFired();
      proxy.inject({ ...fault, method: 'GET', nth: 1 });
      const part = await location.read('index', name, { offset: 1000, length: 100_000 });
      expect(Buffer.compare(part, bytes.subarray(1000, 101_000))).toBe(0);
      proxy.assertFired();
    });

    it.each(traits.verifiesReads ? (['index', 'data'] as const) : (['index'] as const))(
      'returns no bit of %s that was flipped on its way',
      async (kind) => {
        const { name, bytes } = file(300_000);
        await truth.write(kind, name, bytes);
        proxy.inject({ effect: 'flip-answer', method: 'GET', nth: 1 });
        expect(Buffer.compare(await location.read(kind, name), bytes)).toBe(0);
        proxy.assertFired();
      },
    );

    it.each(broken)('lists in spite of %s', async (_, fault) => {
      proxy.inject();
      const { name, bytes } = file(10);
      await truth.write('keys', name, bytes);
      const expected = [...(await truth.list('keys'))].sort(byName);
      proxy.inject({ ...fault, method: 'GET', nth: 1 });
      expect([...(await location.list('keys'))].sort(byName)).toEqual(expected);
      proxy.assertFired();
    });

    it.each(broken)('removes in spite of %s', async (_, fault) => {
      const { name, bytes } = file(10);
      await truth.write('locks', name, bytes);
      // An answer without a body cannot be cut.
      if (fault.effect === 'cut-answer') return;
      proxy.inject({ ...fault, method: 'DELETE', nth: 1 });
      await location.remove('locks', name);
      proxy.assertFired();
      expect(await truth.list('locks')).toEqual([]);
    });

    it('writes a config once, also when the first acknowledgement is lost', async () => {
      const { bytes } = file(200);
      proxy.inject({ effect: 'lost-answer', method: writeMethod(), nth: 1 });
      await location.write('config', 'config', bytes);
      proxy.assertFired();
      await expect(location.write('config', 'config', file(200).bytes)).rejects.toMatchObject({
        code: 'location.refused',
      });
      expect(Buffer.compare(await truth.read('config', 'config'), bytes)).toBe(0);
    });

    it('gives up with a clear error when it does not end', async () => {
      const { name, bytes } = file(10);
      const always = [1, 2, 3, 4].map((nth) => ({ effect: 'reset', nth }) as const);
      proxy.inject(...always);
      await expect(location.write('data', name, bytes)).rejects.toMatchObject({
        code: 'location.unreachable',
        hint: expect.stringContaining('again'),
      });
    });
  });

  const writeMethod = () => (name.startsWith('s3') ? 'PUT' : 'POST');
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}
