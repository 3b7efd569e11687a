// A recovery of sources that the open incident does not name: they enter it, and it is resolved only with its own.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { installation } from '../support/installation.ts';
import { protectedFolders } from '../support/protected-folders.ts';

const allowed = ['--yes', 'letters', '--yes', 'photos', '--yes', 'freeze'];

it('enters what it recovers besides, and resolves the incident when its own sources are recovered, too', async () => {
  await using place = await installation();
  const [letters = '', photos = ''] = await protectedFolders(place, ['letters', 'photos']);
  const before = await place.run('incident', 'open', 'letters are gone', '--source', 'letters');
  const { id } = before.records.at(-1) as { id: string };
  const incident = async () => (await place.run('incident', 'status', id)).records.at(0);
  rmSync(letters, { recursive: true });
  rmSync(photos, { recursive: true });

  const first = await place.run('recover', 'photos', ...allowed);
  expect(first.exitCode, first.stdout + first.stderr).toBe(0);
  expect(existsSync(join(photos, '3'))).toBe(true);
  const left = first.records.find(({ type }) => type === 'incident-not-resolved');
  expect(left, first.stdout).toMatchObject({
    incident: id,
    left: [{ source: 'letters', why: 'damaged' }],
  });
  expect(JSON.stringify(left)).toContain(`recover letters --incident ${id}`);
  expect(await incident()).toMatchObject({
    status: 'recovering',
    sources: ['letters', 'photos'],
    addedSources: ['photos'],
  });
  const shown = await place.run('incident', 'show', id);
  const texts = shown.records.map(({ text }) => text);
  expect(texts).toContainEqual(expect.stringContaining('as a recovery found: photos'));
  expect(texts).toContainEqual(expect.stringMatching(/^not resolved: photos .* not letters/));

  const second = await place.run('recover', ...allowed);
  expect(second.exitCode, second.stdout + second.stderr).toBe(0);
  expect(existsSync(join(letters, '3'))).toBe(true);
  expect(await incident()).toMatchObject({ status: 'resolved', sources: ['letters', 'photos'] });
  expect((await place.run('incident', 'verify', id)).exitCode).toBe(0);
});

it('plans for others that are damaged, without what was said of the own sources, which stay open', async () => {
  await using place = await installation();
  const [, photos = ''] = await protectedFolders(place, ['letters', 'photos']);
  const said = ['--source', 'letters', '--loss-type', 'failed-migration'];
  const before = await place.run('incident', 'open', 'letters are odd', ...said);
  const { id } = before.records.at(-1) as { id: string };
  rmSync(photos, { recursive: true });
  const elsewhere = {
    type: 'planned-elsewhere',
    sources: ['photos'],
    own: ['letters'],
    notApplied: ['--type failed-migration'],
  };

  const planned = await place.run('plan');
  expect(planned.records, planned.stdout).toContainEqual(expect.objectContaining(elsewhere));

  // A moment on the command line is of the letters: the photos are named, and left alone.
  const moment = await place.run('recover', '--at', 'latest');
  const found = (wanted: string) => moment.records.find(({ type }) => type === wanted);
  expect(found('damaged-besides'), moment.stdout).toMatchObject({ source: 'photos' });
  expect(found('plan')).toMatchObject({ sources: ['letters'] });
  expect(existsSync(photos)).toBe(false);
  await place.run('recover', '--abort', String(found('run-opened')?.run), '--reason', 'a test');

  const run = await place.run('recover', ...allowed);
  expect(run.exitCode, run.stdout + run.stderr).toBe(0);
  expect(run.records).toContainEqual(expect.objectContaining(elsewhere));
  expect(existsSync(join(photos, '3'))).toBe(true);
  expect(run.records).toContainEqual(
    expect.objectContaining({
      type: 'incident-not-resolved',
      left: [expect.objectContaining({ source: 'letters', why: 'not-recovered' })],
    }),
  );
  const status = (await place.run('incident', 'status', id)).records.at(0);
  expect(status).toMatchObject({
    status: 'monitoring',
    lossType: 'failed-migration',
    addedSources: ['photos'],
  });
});
