import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzzRuns } from '../../../../test/support/fuzz.ts';
import { isLifeboatError } from '../../../core/index.ts';
import { readColumns, readFields, readRow } from './backend-messages.ts';
import { MessageFramer } from './message-framer.ts';

interface Message {
  readonly type: number;
  readonly body: Buffer;
}

function encode({ type, body }: Message): Buffer {
  const header = Buffer.alloc(5);
  header[0] = type;
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

function decode(chunks: readonly Buffer[]): Message[] {
  const framer = new MessageFramer();
  const messages: Message[] = [];
  for (const chunk of chunks) {
    framer.push(chunk);
    while (framer.next()) messages.push({ type: framer.type, body: Buffer.from(framer.body) });
    // The reader of a socket uses its buffer again.
    chunk.fill(0xee);
  }
  return messages;
}

const message = fc.record({
  type: fc.integer({ min: 0, max: 255 }),
  body: fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
});

describe('message framer', () => {
  it('gives the same messages however the stream is cut', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 20 }), cuts, (messages, sizes) => {
        const stream = Buffer.concat(messages.map(encode));
        const chunks: Buffer[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const size = sizes[turn % sizes.length] as number;
          chunks.push(Buffer.from(stream.subarray(at, at + size)));
          at += size;
        }
        expect(decode(chunks)).toEqual(messages);
      }),
      { numRuns: fuzzRuns(200) },
    );
  });

  it('refuses absurd lengths before it takes memory for them', () => {
    for (const length of [-1, 0, 3, 17 * 2 ** 20, 2 ** 31 - 1]) {
      const header = Buffer.alloc(5);
      header[0] = 0x64;
      header.writeInt32BE(length, 1);
      expect(() => decode([header])).toThrow(
        expect.objectContaining({ code: 'postgres.protocol' }),
      );
    }
  });

  it('turns garbage into messages or postgres.protocol, nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (chunks) => {
        try {
          for (const { body } of decode(chunks.map((chunk) => Buffer.from(chunk)))) {
            for (const read of [readColumns, readRow, readFields]) read(body);
          }
        } catch (error) {
          expect(isLifeboatError(error, 'postgres.protocol')).toBe(true);
        }
      }),
      { numRuns: fuzzRuns(500) },
    );
  });

  it('parses bodies or says postgres.protocol', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        for (const read of [readColumns, readRow, readFields]) {
          try {
            read(Buffer.from(bytes));
          } catch (error) {
            expect(isLifeboatError(error, 'postgres.protocol')).toBe(true);
          }
        }
      }),
      { numRuns: fuzzRuns(500) },
    );
  });
});
