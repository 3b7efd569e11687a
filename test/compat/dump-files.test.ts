import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { spawnLifeboat } from '../support/command-line.ts';
import { listEntries } from '../support/entry-list.ts';
import { makeOddTree } from '../support/odd-tree.ts';
import { findProgram } from '../support/programs.ts';
import { ResticPlace, resticPassword } from '../support/restic-backup.ts';
import { need } from '../support/skip.ts';

async function outputOf(args: readonly string[], repository: string): Promise<[number, Buffer]> {
  const env = { LIFEBOAT_PASSWORD: resticPassword };
  const child = spawnLifeboat([...args, '-r', repository], { env });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = await once(child, 'close');
  return [code as number, Buffer.concat(chunks)];
}

it('a folder is dumped as a tar from which stock tar makes the same tree', {
  timeout: 60_000,
}, async (context) => {
  const restic = need(context, findProgram('restic-0.19'), 'no restic-0.19 on PATH');
  const tar = need(context, findProgram('tar'), 'no tar on PATH');
  using place = new ResticPlace(restic);
  const source = place.path('source');
  await using _tree = await makeOddTree(source);
  place.run('backup', source);
  const extract = async (name: string, archive: Buffer) => {
    const target = place.path(name);
    mkdirSync(target);
    const how = ['-xpf', '-', '-C', target, '--xattrs', '--xattrs-include=*', '--numeric-owner'];
    const child = spawn(tar, how, { stdio: ['pipe', 'ignore', 'pipe'] });
    child.stdin?.end(archive);
    await once(child, 'close');
    return listEntries(join(target, source));
  };
  const { '/socket': _, ...wanted } = listEntries(source);
  const [code, archive] = await outputOf(['dump', 'latest', source], place.repository);
  expect(code).toBe(0);
  expect(await extract('ours', archive)).toEqual(wanted);

  const file = join(source, 'large');
  const [fileCode, content] = await outputOf(['dump', 'latest', file], place.repository);
  expect(fileCode).toBe(0);
  expect(content.equals(place.runBytes('dump', 'latest', file))).toBe(true);
  expect((await outputOf(['dump', 'latest', '/nowhere'], place.repository))[0]).toBe(2);
});
