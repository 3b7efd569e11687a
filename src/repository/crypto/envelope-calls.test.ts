import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openSslEnvelope } from '../native/openssl-envelope.ts';
import { open, openView, seal } from './envelope.ts';
import { envelopeCalls } from './envelope-calls.ts';
import { agreesWithNode } from './envelope-self-test.ts';
import { keyFromBytes } from './key-derivation.ts';

const megabyte = 1024 * 1024;

describe("OpenSSL's own calls", () => {
  it('agree with those of Node that the project brings along', () => {
    const calls = openSslEnvelope();
    expect(calls && agreesWithNode(calls)).toBe(true);
    calls?.free();
  });

  it('are not taken when anything differs', () => {
    const calls = openSslEnvelope();
    if (calls === undefined) throw new Error('they are missing');
    const flip = (bytes: Uint8Array) => {
      bytes[0] = (bytes[0] as number) ^ 1;
    };
    const wrongTurn: typeof calls.turn = (key, iv, input, output) => {
      calls.turn(key, iv, input, output);
      if (output.length === 17) flip(output);
    };
    const wrongTag: typeof calls.authenticate = (...all) => {
      const tag = calls.authenticate(...all);
      if (all[3].length === 15) flip(tag);
      return tag;
    };
    expect(agreesWithNode({ ...calls, turn: wrongTurn })).toBe(false);
    expect(agreesWithNode({ ...calls, authenticate: wrongTag })).toBe(false);
    calls.free();
  });

  it('refuse lengths that do not fit, before any memory is touched', () => {
    const calls = openSslEnvelope();
    const [key, iv] = [randomBytes(32), randomBytes(16)];
    expect(() => calls?.turn(key, iv, Buffer.alloc(20), Buffer.alloc(10))).toThrow();
    expect(() => calls?.turn(key.subarray(1), iv, Buffer.alloc(8), Buffer.alloc(8))).toThrow();
    expect(() => calls?.authenticate(iv, iv, iv.subarray(1), Buffer.alloc(8))).toThrow();
    calls?.free();
  });

  it('open what the documented ones sealed, with keys in turn, and the other way round', () => {
    const keys = [keyFromBytes(randomBytes(64)), keyFromBytes(randomBytes(64))];
    const plains = [0, 1, 16, 17, 5000, megabyte].map((length) => randomBytes(length));
    const sealAll = () => plains.map((plain) => keys.map((key) => seal(key, plain)));
    const before = sealAll();
    for (let asked = 0; asked < 8; asked++) envelopeCalls(megabyte);
    expect(envelopeCalls(0)).toBeDefined();
    const after = sealAll();
    for (const [number, plain] of plains.entries()) {
      for (const [of, key] of keys.entries()) {
        for (const sealed of [before, after].map((each) => each[number]?.[of] as Uint8Array)) {
          expect(Buffer.compare(open(key, sealed), plain)).toBe(0);
          expect(Buffer.compare(openView(key, sealed), plain)).toBe(0);
        }
      }
    }
  });
});
