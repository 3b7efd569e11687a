// Which incident a recovery belongs to: one that was resolved by a former recovery is over, what is lost after that is another one.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { installation } from '../support/installation.ts';
import { protectedFolders } from '../support/protected-folders.ts';

it('opens another incident for what is lost after the first was resolved', async () => {
  await using place = await installation();
  const folders = await protectedFolders(place, ['letters', 'photos']);
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

it('carries a plan out once', async () => {
  await using place = await installation();
  const [folder = ''] = await protectedFolders(place, ['letters']);
  rmSync(folder, { recursive: true });
  const planned = await place.run('plan', '--keep');
  const plan = String(planned.records.find(({ type }) => type === 'plan-kept')?.id);
  const once = await place.run('recover', plan, '--yes', 'letters', '--yes', 'freeze');
  expect(once.exitCode, once.stdout + once.stderr).toBe(0);
  const run = once.records.find(({ type }) => type === 'run-opened')?.run;
  rmSync(folder, { recursive: true });
  const again = await place.run('recover', plan, '--yes', 'letters', '--yes', 'freeze');
  expect(again.records.at(-1)).toMatchObject({
    code: 'plan.refused',
    message: expect.stringContaining(`by run ${run}`),
  });
  expect(again.records.some(({ type }) => type === 'run-opened')).toBe(false);
  expect(existsSync(folder)).toBe(false);
});

it('looks at all sources, also when the incident that is open is about another one', async () => {
  await using place = await installation();
  const [, photos = ''] = await protectedFolders(place, ['letters', 'photos']);
  const said = ['--source', 'letters', '--loss-type', 'failed-migration'];
  const before = await place.run('incident', 'open', 'letters are odd', ...said);
  const { id } = before.records.at(-1) as { id: string };
  rmSync(photos, { recursive: true });
  // Nobody allows the first step: what is shown until then counts.
  const run = await place.run('recover');
  const found = (wanted: string) => run.records.find(({ type }) => type === wanted);
  expect(found('incident')).toMatchObject({ id });
  expect(found('damage-report')).toMatchObject({ verdict: 'damage-found' });
  expect(found('plan'), run.stdout).toMatchObject({ sources: ['photos'], incident: id });
  // What was said of the letters is not done to the photos.
  expect(found('planned-elsewhere')).toMatchObject({
    own: ['letters'],
    notApplied: ['--type failed-migration'],
  });

  const named = await place.run('recover', 'letters', '--title', 'letters are gone');
  expect(
    named.records.some(({ type }) => type === 'not-looked-at'),
    named.stdout,
  ).toBe(true);
});
