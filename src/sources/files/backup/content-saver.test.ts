import { hash, randomBytes, randomFillSync } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createContentCutter } from '../../../repository/chunker/content-cutter.ts';
import type { BlobId, BlobType } from '../../../repository/index.ts';
import { ContentSaver } from './content-saver.ts';
import type { SavedContent } from './content-text.ts';
import type { FileRange } from './worker-messages.ts';

const MiB = 2 ** 20;
const key = {
  encrypt: randomBytes(32),
  macK: randomBytes(16),
  macR: randomBytes(16),
};
const cutter = createContentCutter(key);
let fd: number;
let file: string;
beforeEach(() => {
  file = join(tmpdir(), `lifeboat-content-${process.pid}-${randomBytes(4).toString('hex')}`);
  fd = openSync(file, 'w+');
});
afterEach(() => {
  closeSync(fd);
  rmSync(file, { force: true });
});

/** Remembers what was saved. */
class Sink {
  readonly blobs = new Map<string, Buffer>();
  save(_type: BlobType, bytes: Uint8Array) {
    const id = hash('sha256', bytes, 'hex') as BlobId;
    const isNew = !this.blobs.has(id);
    this.blobs.set(id, Buffer.from(bytes));
    return { id, isNew };
  }
  throwIfStopped() {}
  content({ text }: SavedContent): Buffer {
    const ids = JSON.parse(`[${text}]`) as string[];
    return Buffer.concat(ids.map((id) => this.blobs.get(id) as Buffer));
  }
}

const uncounted = { onRead() {}, onSaved() {} };
const alone = {
  isAnyoneHungry: false,
  give: () => false,
  pause() {},
  settle() {},
};

interface Given {
  readonly range: FileRange;
  readonly take: (content: SavedContent) => void;
}

/** Helpers that are busy now and then, and answer late and in another order. */
class Helpers {
  readonly given: Given[] = [];
  readonly #saver: ContentSaver;
  /** How often they are busy, of so many times. */
  readonly #busyIn: number;
  #asked = 0;
  ranges = 0;
  constructor(sink: Sink, busyIn: number) {
    this.#busyIn = busyIn;
    this.#saver = new ContentSaver({ sink, cutter, shared: alone, ...uncounted });
  }
  get isAnyoneHungry() {
    return ++this.#asked % this.#busyIn !== 0;
  }
  give(range: FileRange, take: Given['take']) {
    if (++this.#asked % this.#busyIn === 0) return false;
    this.ranges++;
    this.given.push({ range, take });
    return true;
  }
  pause() {}
  settle() {
    for (const { range, take } of this.given.splice(0).reverse()) {
      take(this.#saver.saveRange(range, () => {}));
    }
  }
}

/** A file with random parts, words, runs of zeros and holes; returns its length. */
function makeFile(parts: readonly ['random' | 'words' | 'zeros' | 'hole', number][]): number {
  let at = 0;
  for (const [kind, bytes] of parts) {
    if (kind === 'random') writeSync(fd, randomFillSync(Buffer.alloc(bytes)), 0, bytes, at);
    if (kind === 'words') writeSync(fd, Buffer.alloc(bytes, 'many words '), 0, bytes, at);
    if (kind === 'zeros') writeSync(fd, Buffer.alloc(bytes), 0, bytes, at);
    at += bytes;
  }
  ftruncateSync(fd, at);
  return at;
}

const mixed: ['random' | 'words' | 'zeros' | 'hole', number][] = [
  ['random', 9 * MiB + 17],
  ['zeros', 3 * MiB],
  ['words', 20 * MiB],
  ['hole', 5 * MiB + 4096],
  ['random', 11 * MiB],
  ['hole', 40 * 4096],
  ['random', 4 * MiB + 1],
  ['hole', 4 * MiB],
];

/** Where the chunks of a file end that is read whole and by nobody else. */
function plainIds(bytes: Buffer): string[] {
  const ids: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const rest = bytes.subarray(at, at + 8 * MiB);
    const isZeros = rest.length >= MiB / 2 && rest.subarray(0, MiB / 2).every((byte) => byte === 0);
    const length = isZeros ? MiB / 2 : (cutter.cut(rest, at + rest.length === bytes.length) ?? 0);
    ids.push(hash('sha256', rest.subarray(0, length), 'hex'));
    at += length;
  }
  return ids;
}

describe.each([false, true])('the content of a large file, sparse: %s', (isSparse) => {
  it('is the same chunks whoever saves them', () => {
    const sizeBytes = makeFile(mixed);
    const facts = { sizeBytes, isSparse };
    const sink = new Sink();
    const expected = new ContentSaver({ sink, cutter, shared: alone, ...uncounted }).save(
      fd,
      facts,
    );
    expect(expected.bytes).toBe(sizeBytes);
    if (!isSparse) expect(JSON.parse(`[${expected.text}]`)).toEqual(plainIds(readFileSync(file)));
    for (const busyIn of [2, 3, 4, 5, 7, 1000]) {
      const helped = new Sink();
      const shared = new Helpers(helped, busyIn);
      const saved = new ContentSaver({ sink: helped, cutter, shared, ...uncounted }).save(
        fd,
        facts,
      );
      expect(saved).toEqual(expected);
      expect([...helped.blobs.keys()].sort()).toEqual([...sink.blobs.keys()].sort());
      // Those who are busy whenever it comes to it leave all to the owner.
      expect(shared.ranges > 0).toBe(busyIn > 2);
    }
  });
});

describe('a large file that others help with', () => {
  it.each([3, 1000])('is what was read, and so long, when it shrinks meanwhile (%i)', (busyIn) => {
    const sizeBytes = makeFile([['random', 40 * MiB]]);
    const sink = new Sink();
    const shared = new Helpers(sink, busyIn);
    const give = shared.give.bind(shared);
    shared.give = (...args) => {
      if (shared.ranges === 2) ftruncateSync(fd, 10 * MiB + 5);
      return give(...args);
    };
    const saved = new ContentSaver({ sink, cutter, shared, ...uncounted }).save(fd, {
      sizeBytes,
      isSparse: false,
    });
    expect(saved.bytes).toBeLessThan(sizeBytes);
    expect(sink.content(saved).length).toBe(saved.bytes);
  });

  it('is waited for, whatever happens', () => {
    const sizeBytes = makeFile([['random', 40 * MiB]]);
    const sink = new Sink();
    const shared = new Helpers(sink, 3);
    shared.pause = () => {
      if (shared.ranges > 0) throw new Error('a bad sector');
    };
    const saver = new ContentSaver({ sink, cutter, shared, ...uncounted });
    expect(() => saver.save(fd, { sizeBytes, isSparse: false })).toThrow('a bad sector');
    expect(shared.ranges).toBeGreaterThan(0);
    expect(shared.given).toEqual([]);
  });

  it('asks for more before it is done, once for each range', () => {
    makeFile([['random', 8 * MiB]]);
    const saver = new ContentSaver({ sink: new Sink(), cutter, shared: alone, ...uncounted });
    let asked = 0;
    saver.saveRange({ fd, at: 0, lengths: [2 * MiB, 2 * MiB, 2 * MiB, 2 * MiB] }, () => asked++);
    expect(asked).toBe(1);
  });
});
