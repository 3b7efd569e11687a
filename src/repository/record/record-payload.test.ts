import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLifeboatError } from '../../core/index.ts';
import { canonicalJson } from './canonical-json.ts';
import { decodeRecord, encodeRecord } from './record-payload.ts';
import { ephemeralWriter } from './writer-identity.ts';

const writer = ephemeralWriter();
const content = {
  kind: 'proof',
  source: 'database',
  time: new Date('2026-11-21T10:00:00.123Z'),
  writer: writer.publicKey,
  sequence: 7,
  heads: ['ab'.repeat(32)],
  body: { counts: { users: 3 } },
};

describe('the payload of a record', () => {
  it('comes back as it was', () => {
    expect(decodeRecord(encodeRecord(content, writer), 'x')).toEqual(content);
  });

  it('brings any JSON back', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        const read = decodeRecord(encodeRecord({ ...content, body }, writer), 'x');
        expect(canonicalJson(read.body)).toBe(canonicalJson(body));
      }),
    );
  });

  it('has one form however its keys were ordered', () => {
    expect(canonicalJson({ b: 1, a: { d: [{ z: 1, y: 2 }], c: 3 } })).toBe(
      '{"a":{"c":3,"d":[{"y":2,"z":1}]},"b":1}',
    );
  });

  it('is refused after any change', () => {
    const payload = encodeRecord(content, writer);
    for (let at = 0; at < payload.length; at++) {
      const changed = new Uint8Array(payload);
      changed[at]! ^= 1;
      expect(() => decodeRecord(changed, 'x')).toThrow('is no valid record');
    }
  });

  it('is refused when somebody else signed it', () => {
    expect(() => decodeRecord(encodeRecord(content, ephemeralWriter()), 'x')).toThrow('signature');
  });

  it('never fails but with its own error', () => {
    const fields = fc.record(
      {
        version: fc.constantFrom<unknown>(1, 2, null),
        kind: fc.jsonValue(),
        source: fc.jsonValue(),
        time: fc.oneof(fc.jsonValue(), fc.constant('2026-01-01T00:00:00Z')),
        writer: fc.oneof(fc.jsonValue(), fc.constant('00'.repeat(32))),
        sequence: fc.jsonValue(),
        heads: fc.oneof(fc.jsonValue(), fc.constant([])),
        body: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const signed = fields.map((each) =>
      Buffer.concat([Buffer.alloc(64), Buffer.from(JSON.stringify(each))]),
    );
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), signed), (payload) => {
        try {
          decodeRecord(payload, 'x');
          return false;
        } catch (error) {
          return isLifeboatError(error, 'record.invalid');
        }
      }),
    );
  });
});
