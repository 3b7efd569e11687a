import { describe, expect, it } from 'vitest';
import { type Location, MemoryLocation } from '../../src/repository/index.ts';
import { checkLogs } from '../../src/repository/log/check-logs.ts';
import { bytesAt, randomKey } from '../../src/repository/log/log-contract.ts';
import { openLogs } from '../../src/repository/log/open-logs.ts';
import { FaultyLocation } from '../faults/faulty-location.ts';

const key = randomKey();
const stream = '00000001';
const size = 512;
const segments = 70;

interface Acknowledged {
  end: bigint;
  hasFile: boolean;
}

/**
 * A log's life: pieces of each segment, the segment, a named file; long enough for manifests to be consolidated and
 * pieces to be merged. `acknowledged` is kept up to date; ends quietly where the location stops.
 */
async function live(location: Location, acknowledged: Acknowledged): Promise<void> {
  const log = openLogs(location, key).log('database');
  try {
    for (let at = 0; at < segments; at++) {
      const start = BigInt(at * size);
      const pieces = at === 2 ? 34 : at % 8 === 0 ? 2 : 0;
      for (let piece = 0; piece < pieces; piece++) {
        const from = start + BigInt(piece * 10);
        await log.appendPiece(stream, from, bytesAt(from, 10));
        acknowledged.end = from + 10n;
      }
      await log.appendSegment(stream, start, bytesAt(start, size));
      acknowledged.end = start + BigInt(size);
      if (at === 5) {
        await log.appendFile('history', Buffer.from('history'));
        acknowledged.hasFile = true;
      }
    }
  } catch (error) {
    if (!String(error).includes('injected fault')) throw error;
  }
}

/** What lay in the location after each change, and what had been acknowledged when the next one came. */
class History extends Map<string, Uint8Array> {
  readonly states: { readonly files: Map<string, Uint8Array>; acknowledged: Acknowledged }[] = [];
  readonly now: Acknowledged = { end: 0n, hasFile: false };

  override set(path: string, bytes: Uint8Array): this {
    return this.#changed(() => super.set(path, bytes));
  }

  override delete(path: string): boolean {
    return this.#changed(() => super.delete(path));
  }

  #changed<Result>(change: () => Result): Result {
    const before = this.states.at(-1);
    if (before !== undefined) before.acknowledged = { ...this.now };
    const result = change();
    this.states.push({ files: new Map(this), acknowledged: this.now });
    return result;
  }
}

async function expectWhole(location: Location, { end, hasFile }: Acknowledged): Promise<void> {
  const log = openLogs(location, key).log('database');
  if (end > 0n) {
    expect(Buffer.compare(await log.read(stream, 0n, end), bytesAt(0n, Number(end)))).toBe(0);
    const [span] = await log.coverage();
    expect(span?.start).toBe(0n);
    expect(span?.end).toBeGreaterThanOrEqual(end);
  }
  if (hasFile) expect(await log.fileNames()).toEqual(['history']);
  const findings = await checkLogs({ location, key });
  expect(findings.filter((each) => each.severity === 'error')).toEqual([]);
}

describe.each([false, true])('a log whose writer is killed (append-only: %s)', (appendOnly) => {
  it('has everything that was acknowledged, whichever change was the last', async () => {
    const files = new History();
    await live(new MemoryLocation({ appendOnly, files }), files.now);
    expect(files.now).toEqual({ end: BigInt(segments * size), hasFile: true });
    expect(files.states.length).toBeGreaterThan(200);
    for (const [nth, state] of files.states.entries()) {
      const location = new MemoryLocation({ appendOnly, files: state.files });
      await expectWhole(location, state.acknowledged);
      if (nth % 16 !== 0) continue;
      // And the next writer carries on from the beginning, without any conflict.
      await live(location, state.acknowledged);
      expect(state.acknowledged.end).toBe(BigInt(segments * size));
      await expectWhole(location, state.acknowledged);
    }
  });

  it('has it, too, when the location stops for good in the middle of the work', async () => {
    const whole = new FaultyLocation(new MemoryLocation({ appendOnly }), {});
    await live(whole, { end: 0n, hasFile: false });
    for (let last = 0; last <= whole.operations; last += 9) {
      const stored = new MemoryLocation({ appendOnly });
      const acknowledged = { end: 0n, hasFile: false };
      await live(new FaultyLocation(stored, { stopAfterOperations: last }), acknowledged);
      await expectWhole(stored, acknowledged);
    }
  });
});

describe('a log on a location that fails now and then', () => {
  it('loses nothing when an answer is lost or a write stops halfway', async () => {
    for (const effect of ['lost-answer', 'half-write', 'error'] as const) {
      for (let nth = 1; nth <= 8; nth++) {
        const stored = new MemoryLocation();
        const faulty = new FaultyLocation(stored, {
          faults: [{ operation: 'write', nth, effect }],
        });
        const log = openLogs(faulty, key).log('database');
        const append = async (at: number) => {
          const start = BigInt(at * size);
          await log.appendPiece(stream, start, bytesAt(start, 100));
          await log.appendSegment(stream, start, bytesAt(start, size));
        };
        for (let at = 0; at < 4; at++) {
          await append(at).catch(() => append(at));
        }
        const end = BigInt(4 * size);
        expect(await openLogs(stored, key).log('database').read(stream, 0n, end)).toEqual(
          bytesAt(0n, 4 * size),
        );
        faulty.assertFired();
      }
    }
  });

  it('acknowledges what is durable although tidying up fails', async () => {
    const stored = new MemoryLocation();
    const faulty = new FaultyLocation(stored, {
      faults: [
        { operation: 'remove', nth: 1, effect: 'error' },
        { operation: 'write', kind: 'index', nth: 1, effect: 'error' },
      ],
    });
    const log = openLogs(faulty, key).log('database');
    await log.appendPiece(stream, 0n, bytesAt(0n, 100));
    for (let at = 0; at < 66; at++) {
      await log.appendSegment(stream, BigInt(at * size), bytesAt(BigInt(at * size), size));
    }
    faulty.assertFired();
    expect(await openLogs(stored, key).log('database').coverage()).toHaveLength(1);
    expect(await stored.nested('lifeboat').list('index')).toHaveLength(1);
  });
});
