import { randomFillSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startPostgres } from '../../../../test/support/postgres.ts';
import { embeddedPostgresBin } from '../../../../test/support/programs.ts';
import { PageVerifier } from './page-checksum.ts';

const offsets = [
  0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a, 0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c,
  0xf8d4474f, 0xe39eb970, 0x42c6ae16, 0x993216fa, 0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb,
  0xe58f764b, 0x187636bc, 0x5d7b3bb1, 0xe73de7de, 0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4,
  0x783125bb, 0x6ca8eaa2, 0xe407eac6, 0x4b5cfc3e, 0x9fbf8c76, 0x15ca20be, 0xf2ca9fd3, 0x959bd756,
];

/** The checksum as PostgreSQL's documentation of checksum_impl.h describes it, one sum at a time. */
function referenceChecksum(page: Uint8Array, block: number): number {
  const words = new DataView(page.buffer, page.byteOffset, page.length);
  let folded = 0;
  for (let sumIndex = 0; sumIndex < 32; sumIndex++) {
    let sum = offsets[sumIndex] as number;
    for (let at = sumIndex * 4; at < page.length + 256; at += 128) {
      let word = at < page.length ? words.getUint32(at, true) : 0;
      if (at === 8) word &= 0xffff0000;
      const mixed = sum ^ word;
      sum = Math.imul(mixed, 16777619) ^ (mixed >>> 17);
    }
    folded ^= sum;
  }
  return (((folded ^ block) >>> 0) % 65535) + 1;
}

function randomPage(sizeBytes: number, block: number): Uint8Array {
  const page = randomFillSync(new Uint8Array(sizeBytes));
  page[15] = 1;
  new DataView(page.buffer).setUint16(8, referenceChecksum(page, block), true);
  return page;
}

describe('page checksums', () => {
  it('agree with the reference for every page size', () => {
    for (const sizeBytes of [1024, 8192, 32_768]) {
      const verifier = new PageVerifier(sizeBytes);
      for (const block of [0, 1, 131_071, 4_294_967_294]) {
        const page = randomPage(sizeBytes, block);
        expect(verifier.failures(page, block)).toEqual([]);
        expect(verifier.failures(page, block - 1 || 7)).toHaveLength(1);
        for (const at of [0, 7, 10, 12, 511, sizeBytes - 1]) {
          page[at] = (page[at] as number) ^ 0x10;
          expect(verifier.failures(page, block), `byte ${at} flipped`).toEqual([block]);
          page[at] = (page[at] as number) ^ 0x10;
        }
      }
    }
  });

  it('name the failing blocks of a long run of pages', () => {
    const bytes = new Uint8Array(200 * 8192);
    for (let index = 0; index < 200; index++) {
      if (index % 3) bytes.set(randomPage(8192, 1000 + index), index * 8192);
    }
    const verifier = new PageVerifier(8192);
    expect(verifier.failures(bytes, 1000)).toEqual([]);
    for (const index of [0, 1, 128, 199]) bytes[index * 8192 + 4000]! ^= 1;
    expect(verifier.failures(bytes, 1000)).toEqual([1000, 1001, 1128, 1199]);
  });

  it('hold for every relation file of a real server', async () => {
    await using server = await startPostgres({ bin: embeddedPostgresBin(), major: 18 });
    await server.query(
      'create table t as select n, repeat(md5(n::text), 9) from generate_series(1, 9000) n',
    );
    await server.query('checkpoint');
    await server.stop();
    const verifier = new PageVerifier(8192);
    let pages = 0;
    for (const database of readdirSync(join(server.dataFolder, 'base'))) {
      const folder = join(server.dataFolder, 'base', database);
      for (const name of readdirSync(folder).filter((each) =>
        /^\d+(_(fsm|vm|init))?$/.test(each),
      )) {
        const bytes = readFileSync(join(folder, name));
        expect(verifier.failures(bytes, 0), name).toEqual([]);
        pages += bytes.length / 8192;
      }
    }
    expect(pages).toBeGreaterThan(1000);
  });
});
