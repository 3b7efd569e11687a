import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { BlobId } from '../repository.ts';
import { encodeIndex, type IndexedPack } from './index-file.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('hex') as BlobId;

const packs: readonly IndexedPack[] = [40, 1, 3].map((size, pack) => ({
  name: hash(`pack ${pack}`),
  blobs: Array.from({ length: size }, (_, i) => ({
    id: hash(`${pack} ${i}`),
    type: i % 3 === 0 ? 'tree' : 'data',
    offset: i * 100,
    length: 100,
    uncompressedLength: i % 2 === 0 ? 0 : 500 + i,
  })),
}));

const script = `
  import { readFileSync } from 'node:fs';
  const load = async (file) => await import('${import.meta.dirname}/' + file);
  const { columnsKernel } = await load('columns-kernel.ts');
  const { scanIndex } = await load('index-scan.ts');
  const { ColumnsBuilder } = await load('index-columns.ts');
  const { decodeIndex } = await load('index-file.ts');
  const { encodePackHeader } = await load('pack-header.ts');
  const { encodeColumns } = await load('index-text.ts');
  const text = readFileSync(0);
  const packs = decodeIndex(text.toString());
  const [plain, fromHeaders] = [new ColumnsBuilder(), new ColumnsBuilder()];
  for (const pack of packs) {
    plain.add(pack);
    fromHeaders.add({ ...pack, header: encodePackHeader(pack.blobs) });
  }
  console.log(JSON.stringify({
    hasKernel: columnsKernel() !== undefined,
    isScanned: scanIndex(text) !== undefined,
    counts: [plain.blobCount, fromHeaders.blobCount],
    written: [plain, fromHeaders].map((each) => Buffer.from(encodeColumns(each.take())).toString()),
  }));
`;

function run(...flags: readonly string[]): unknown {
  const args = [...flags, '--input-type=module', '--eval', script];
  const output = execFileSync(process.execPath, args, { input: encodeIndex(packs) });
  return JSON.parse(output.toString());
}

describe('index files on a processor without SSE4.1', () => {
  const same = { counts: [44, 44], written: [encodeIndex(packs), encodeIndex(packs)] };

  it('are the same with the kernel', () => {
    expect(run()).toEqual({ hasKernel: true, isScanned: true, ...same });
  });

  it.runIf(process.arch === 'x64')('and without it: what it does goes through JSON', () => {
    const isSlow = { hasKernel: false, isScanned: false };
    expect(run('--no-enable-sse4-1')).toEqual({ ...isSlow, ...same });
  });
});
