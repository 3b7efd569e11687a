// Which incident a recovery belongs to: one that was resolved by a former recovery is over, what is lost after that is another one.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { installation } from '../support/installation.ts';

it('opens another incident for what is lost after the first was resolved', async () => {
  await using place = await installation();
  const folders = ['letters', 'photos'].map((name) => join(place.folder, name));
  for (const folder of folders) {
    mkdirSync(folder);
    for (const name of ['1', '2', '3']) writeFileSync(join(folder, name), `content ${name}`);
  }
  place.configureText(`sources:
  letters: { kind: files, paths: [${folders[0]}] }
  photos: { kind: files, paths: [${folders[1]}] }
recovery: { watch: 1s }
`);
  for (const name of ['letters', 'photos']) {
    expect((await place.run('backup', name)).exitCode).toBe(0);
  }
  const incidents: unknown[] = [];
  for (const [at, name] of ['letters', 'photos'].entries()) {
    rmSync(folders[at] as string, { recursive: true });
    const run = await place.run(
      'recover',
      '--title',
      `${name} are gone`,
      '--yes',
      name,
      '--yes',
      'freeze',
    );
    expect(run.exitCode, run.stdout + run.stderr).toBe(0);
    expect(existsSync(join(folders[at] as string, '3'))).toBe(true);
    const { records } = await place.run('incident', 'list');
    incidents.push(...records.map(({ title, status }) => `${title}: ${status}`));
  }
  expect(new Set(incidents)).toEqual(
    new Set(['letters are gone: resolved', 'photos are gone: resolved']),
  );
});
