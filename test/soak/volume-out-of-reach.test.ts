import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dockerUnderTest } from '../support/docker.ts';
import { listEntries } from '../support/entry-list.ts';
import { filesInstallation } from '../support/files-installation.ts';
import { need } from '../support/skip.ts';

// Goal: a volume that this host cannot work on itself is recovered through containers alone, whole, and taken back again; the copies that
// it is read by do not look like an attack.

it('a volume out of reach is recovered through its ground, and given back', async (context) => {
  await using docker = await dockerUnderTest(context, 'volume-ground');
  need(context, process.getuid?.() === 0, 'only root may keep owners');
  const volume = `${docker.prefix}-share`;
  await using place = await filesInstallation(
    'documents',
    `  share: { kind: volume, volume: ${volume}, image: ${docker.image} }
recovery: { watch: 1s }
`,
  );
  const share = join(place.stateFolder, '..', 'share');
  mkdirSync(share, { recursive: true });
  for (let at = 0; at < 40; at++) writeFileSync(join(share, `${at}.txt`), `text ${at}`);
  // Docker mounts it while a container uses it, and none does.
  const options = ['type=none', 'o=bind', `device=${share}`].flatMap((each) => ['--opt', each]);
  await docker.docker('volume', 'create', ...options, volume);
  const backup = await place.run('backup', 'share');
  expect(backup.exitCode, backup.stdout).toBe(0);
  const before = seen(share);
  for (let at = 0; at < 35; at++) rmSync(join(share, `${at}.txt`));
  writeFileSync(join(share, 'new.txt'), 'newer than the backup');
  const damaged = seen(share);

  const plan = await place.run('plan', 'share', '--keep');
  expect(plan.records.find(({ type }) => type === 'plan')).toMatchObject({
    predicted: { loss: expect.stringContaining('new files too') },
  });
  const { id } = plan.records.find(({ type }) => type === 'plan-kept') as { id: string };
  const run = await place.run('recover', id, '--yes', 'share', '--yes', 'freeze');
  expect(run.records.at(-1), run.stdout).toMatchObject({ type: 'run-recovered' });
  expect(seen(share)).toEqual(before);
  const again = await place.run('backup', 'share');
  expect(again.records.find(({ type }) => type === 'backup')).toMatchObject({
    counts: { filesTotal: 40, filesChanged: 0 },
  });

  const { run: name } = run.records.find(({ type }) => type === 'run-opened') as { run: string };
  const back = await place.run('recover', '--abort', name, '--reason', 'found it');
  expect(back.exitCode, back.stdout).toBe(0);
  expect(seen(share)).toEqual(damaged);
}, 600_000);

/** Names and content: that of busybox does not keep fractions of seconds. */
function seen(folder: string): Record<string, string> {
  const all = Object.entries(listEntries(folder));
  const own = all.filter(([path]) => !path.startsWith('/.lifeboat'));
  return Object.fromEntries(own.map(([path, text]) => [path, text.split(' | ').at(-1) as string]));
}
