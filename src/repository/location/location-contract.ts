import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isLifeboatError } from '../../core/index.ts';
import type { FileKind, Location } from './location.ts';

/** What a factory gives the suite: an empty location and the way to be rid of it. */
export interface LocationUnderTest extends AsyncDisposable {
  readonly location: Location;
  /** Only files in `locks` can be removed. */
  readonly appendOnly?: boolean;
}

const hashKinds: readonly FileKind[] = ['keys', 'locks', 'snapshots', 'index', 'data'];

function file(sizeBytes: number): { name: string; bytes: Uint8Array } {
  const bytes = new Uint8Array(randomBytes(sizeBytes));
  return { name: createHash('sha256').update(bytes).digest('hex'), bytes };
}

/** By `toEqual` each byte is a comparison of its own. */
function expectSame(read: Uint8Array, expected: Uint8Array | undefined): void {
  expect(read.length).toBe(expected?.length);
  expect(Buffer.compare(read, expected as Uint8Array)).toBe(0);
}

/** In what a place differs. */
export interface LocationTraits {
  /** Listings come in pages: more files than one holds are written. */
  readonly pages?: boolean;
  /** What was broken off is there for a moment, until the place has noticed. */
  readonly tidiesUpLater?: boolean;
}

/** The suite that every member of the family passes. */
export function testLocation(
  name: string,
  factory: () => Promise<LocationUnderTest>,
  traits: LocationTraits = {},
): void {
  describe(`location: ${name}`, () => {
    let subject: LocationUnderTest;
    let location: Location;

    beforeEach(async () => {
      subject = await factory();
      location = subject.location;
      await location.create();
    });
    afterEach(async () => {
      await subject[Symbol.asyncDispose]();
    });

    it('creates twice without harm', async () => {
      const { name, bytes } = file(10);
      await location.write('data', name, bytes);
      await location.create();
      expect(await location.read('data', name)).toEqual(bytes);
    });

    it('is empty at first', async () => {
      for (const kind of [...hashKinds, 'config' as const]) {
        expect(await location.list(kind)).toEqual([]);
      }
    });

    it.each(hashKinds)('stores, lists and reads %s', async (kind) => {
      const files = [file(1), file(70_000), file(3)];
      for (const each of files) await location.write(kind, each.name, each.bytes);
      const listed = [...(await location.list(kind))].sort((a, b) => a.sizeBytes - b.sizeBytes);
      expect(listed).toEqual(
        [files[0], files[2], files[1]].map((each) => ({
          name: each?.name,
          sizeBytes: each?.bytes.length,
        })),
      );
      for (const each of files) expectSame(await location.read(kind, each.name), each.bytes);
    });

    it('reads exactly a range', async () => {
      const { name, bytes } = file(100_000);
      await location.write('data', name, bytes);
      const range = { offset: 777, length: 50_000 };
      expectSame(await location.read('data', name, range), bytes.slice(777, 50_777));
      const tail = { offset: 99_999, length: 1 };
      expect(await location.read('data', name, tail)).toEqual(bytes.slice(99_999));
    });

    it('never answers a range with fewer bytes', async () => {
      const { name, bytes } = file(1000);
      await location.write('data', name, bytes);
      for (const offset of [500, 999, 1000, 5000]) {
        const reading = location.read('data', name, { offset, length: 501 });
        await expect(reading).rejects.toMatchObject({ code: 'repository.damaged' });
      }
    });

    it('says that a file is missing', async () => {
      const { name } = file(10);
      for (const kind of hashKinds) {
        await expect(location.read(kind, name)).rejects.toMatchObject({
          code: 'location.file-missing',
        });
      }
      await expect(location.read('config', 'config')).rejects.toMatchObject({
        code: 'location.file-missing',
      });
    });

    it('writes the same file twice without harm', async () => {
      const { name, bytes } = file(1000);
      await location.write('index', name, bytes);
      await location.write('index', name, bytes);
      expect(await location.read('index', name)).toEqual(bytes);
      expect(await location.list('index')).toHaveLength(1);
    });

    it('has one config and never replaces it', async () => {
      await location.write('config', 'config', Buffer.from('first'));
      await expect(location.write('config', 'config', Buffer.from('other'))).rejects.toMatchObject({
        code: 'location.refused',
      });
      expect(Buffer.from(await location.read('config', 'config')).toString()).toBe('first');
      expect(await location.list('config')).toEqual([{ name: 'config', sizeBytes: 5 }]);
    });

    it('removes, and does not mind what is missing', async () => {
      const kinds = subject.appendOnly ? (['locks'] as const) : hashKinds;
      for (const kind of kinds) {
        const { name, bytes } = file(10);
        await location.write(kind, name, bytes);
        await location.remove(kind, name);
        await location.remove(kind, name);
        expect(await location.list(kind)).toEqual([]);
      }
    });

    it('refuses to remove what it keeps for ever', async () => {
      if (!subject.appendOnly) return;
      const { name, bytes } = file(10);
      await location.write('data', name, bytes);
      await expect(location.remove('data', name)).rejects.toMatchObject({
        code: 'location.refused',
      });
      expect(await location.read('data', name)).toEqual(bytes);
    });

    it('keeps a nested area apart', async () => {
      const inner = location.nested('lifeboat');
      expect(await inner.list('data')).toEqual([]);
      await inner.create();
      const [outside, inside] = [file(10), file(20)];
      await location.write('data', outside.name, outside.bytes);
      await inner.write('data', inside.name, inside.bytes);
      expect(await location.list('data')).toEqual([{ name: outside.name, sizeBytes: 10 }]);
      expect(await inner.list('data')).toEqual([{ name: inside.name, sizeBytes: 20 }]);
      expect(await inner.read('data', inside.name)).toEqual(inside.bytes);
    });

    it('takes many writers at once', async () => {
      const files = Array.from({ length: 20 }, () => file(2000));
      await Promise.all(files.map((each) => location.write('data', each.name, each.bytes)));
      expect(await location.list('data')).toHaveLength(20);
    });

    it('does nothing for a caller who is gone', async () => {
      const { name, bytes } = file(10);
      const signal = AbortSignal.abort();
      await expect(location.write('data', name, bytes, signal)).rejects.toMatchObject({
        code: 'cancelled',
      });
      await expect(location.list('data', signal)).rejects.toMatchObject({ code: 'cancelled' });
      expect(await location.list('data')).toEqual([]);
    });

    it('lets no name but a hash through', async () => {
      const { name, bytes } = file(10);
      for (const wrong of ['../config', name.toUpperCase(), `${name}0`, name.slice(1), '']) {
        await expect(location.read('data', wrong)).rejects.toMatchObject({ code: 'bug' });
        await expect(location.write('data', wrong, bytes)).rejects.toMatchObject({ code: 'bug' });
        await expect(location.remove('locks', wrong)).rejects.toMatchObject({ code: 'bug' });
      }
      expect(() => location.nested('../elsewhere')).toThrow('assertion failed');
    });

    it('holds a file without bytes', async () => {
      const { name, bytes } = file(0);
      await location.write('data', name, bytes);
      expect(await location.read('data', name)).toEqual(bytes);
      expect(await location.list('data')).toEqual([{ name, sizeBytes: 0 }]);
    });

    it('holds a large file, and reads its end', async () => {
      const { name, bytes } = file(21 * 2 ** 20 + 3);
      await location.write('data', name, bytes);
      expectSame(await location.read('data', name), bytes);
      const range = { offset: bytes.length - 5_000_000, length: 5_000_000 };
      const part = await location.read('data', name, range);
      expectSame(part, bytes.subarray(range.offset));
    });

    it('gives many readers of one file each its own part', async () => {
      const { name, bytes } = file(200_000);
      await location.write('data', name, bytes);
      const offsets = Array.from({ length: 30 }, (_, i) => i * 6_000);
      const parts = await Promise.all(
        offsets.map((offset) => location.read('data', name, { offset, length: 20_000 })),
      );
      parts.forEach((part, i) => {
        const start = offsets[i] as number;
        expectSame(part, bytes.subarray(start, start + 20_000));
        // It belongs to the reader alone.
        part.fill(0);
      });
      expectSame(await location.read('data', name), bytes);
    });

    it('leaves a file whole or absent when its writer goes away', async () => {
      const files = Array.from({ length: 4 }, () => file(3 * 2 ** 20));
      await Promise.all(
        files.map(async ({ name, bytes }, i) => {
          const gone = new AbortController();
          const writing = location.write('data', name, bytes, gone.signal);
          setTimeout(() => gone.abort(), i * 3);
          await writing.catch((error: unknown) => {
            expect(error).toMatchObject({ code: 'cancelled' });
          });
        }),
      );
      if (traits.tidiesUpLater) {
        const halves = async () => {
          return (await location.list('data')).filter((each) => each.sizeBytes !== 3 * 2 ** 20);
        };
        await expect.poll(halves, { timeout: 20_000 }).toEqual([]);
      }
      for (const { name, sizeBytes } of await location.list('data')) {
        const written = files.find((each) => each.name === name);
        expect(sizeBytes).toBe(written?.bytes.length);
        const stored = await location.read('data', name);
        expectSame(stored, written?.bytes as Uint8Array);
      }
      // It serves the next one as if nothing had been.
      const [first] = files as [ReturnType<typeof file>];
      await location.write('data', first.name, first.bytes);
      expectSame(await location.read('data', first.name), first.bytes);
    });

    it('ends reading for a caller who goes away', async () => {
      const { name, bytes } = file(3 * 2 ** 20);
      await location.write('data', name, bytes);
      const gone = new AbortController();
      const reading = location.read('data', name, undefined, gone.signal);
      gone.abort();
      await reading.then(
        (read) => expect(Buffer.compare(read, bytes)).toBe(0),
        (error: unknown) => expect(error).toMatchObject({ code: 'cancelled' }),
      );
    });

    it('lets no other bytes take the place of a file', async () => {
      const { name, bytes } = file(1000);
      await location.write('data', name, bytes);
      // Refused, or passed over because the file is there: it must not be changed.
      await location.write('data', name, file(1000).bytes).catch((error: unknown) => {
        expect(isLifeboatError(error)).toBe(true);
      });
      expect(await location.read('data', name)).toEqual(bytes);
      expect(await location.list('data')).toEqual([{ name, sizeBytes: 1000 }]);
    });

    if (traits.pages) {
      it('lists more files than one page holds', async () => {
        const files = Array.from({ length: 1100 }, () => file(32));
        for (let at = 0; at < files.length; at += 50) {
          const some = files.slice(at, at + 50);
          await Promise.all(some.map((each) => location.write('index', each.name, each.bytes)));
        }
        const listed = (await location.list('index')).map((each) => each.name);
        expect(listed.sort()).toEqual(files.map((each) => each.name).sort());
      });
    }
  });
}
