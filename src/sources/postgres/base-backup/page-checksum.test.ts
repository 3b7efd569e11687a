import { randomFillSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startPostgres } from '../../../../test/support/postgres.ts';
import { embeddedPostgresBin } from '../../../../test/support/programs.ts';
import { PageVerifier } from './page-checksum.ts';
import { referenceChecksum } from './page-checksum-reference.ts';

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
