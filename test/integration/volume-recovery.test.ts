import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dockerUnderTest } from '../support/docker.ts';
import { listEntries } from '../support/entry-list.ts';
import { filesInstallation } from '../support/files-installation.ts';
import { folderOfVolume } from '../support/ground-places.ts';

// Goal: files of a volume that were lost come back by `assess`, `plan` and `recover`: in place while the volume is there, and into one that
// compose takes for its own after `docker compose down -v`.

it('a volume is recovered in place, and after docker compose down -v', async (context) => {
  await using docker = await dockerUnderTest(context, 'volume-recovery');
  const project = docker.prefix;
  const volume = `${project}_uploads`;
  await using place = await filesInstallation(
    'documents',
    `  uploads: { kind: volume, volume: ${volume} }
services:
  app:
    platform: docker
    compose: { files: [compose.yaml], service: app, project: ${project} }
    writes: [uploads]
recovery: { watch: 1s }
`,
  );
  const file = join(place.stateFolder, '..', 'compose.yaml');
  writeFileSync(
    file,
    `services:
  app:
    image: ${docker.image}
    command: ["sleep", "600"]
    stop_grace_period: 0s
    volumes: ["uploads:/uploads"]
volumes:
  uploads: {}
`,
  );
  const compose = (...args: string[]) => docker.compose('--file', file, '-p', project, ...args);
  await compose('up', '--detach');
  const folder = await folderOfVolume(docker, volume, context);
  mkdirSync(join(folder, '2026'));
  for (let at = 0; at < 40; at++)
    writeFileSync(join(folder, '2026', `${at}.jpg`), randomBytes(3000));
  await compose('exec', '-T', 'app', 'chown', '-R', '33:33', '/uploads');
  const before = listEntries(folder);
  const backup = await place.run('backup', 'uploads');
  expect(backup.exitCode, backup.stdout).toBe(0);

  // 1. Most of it is deleted, and something new is written.
  for (let at = 0; at < 35; at++) rmSync(join(folder, '2026', `${at}.jpg`));
  writeFileSync(join(folder, 'new.jpg'), 'newer than the backup');
  const plan = await place.run('plan', 'uploads', '--keep');
  expect(plan.exitCode, plan.stdout).toBe(0);
  const { id } = plan.records.find(({ type }) => type === 'plan-kept') as { id: string };
  const recovered = await place.run('recover', id, '--yes', 'uploads', '--yes', 'freeze');
  expect(recovered.exitCode, recovered.stdout).toBe(0);
  const recoveredEntries = listEntries(folder);
  const { '/new.jpg': newer, ...others } = recoveredEntries;
  expect(newer).toBeDefined();
  expect(others).toEqual(before);

  // 2. All of it is gone.
  await compose('down', '--volumes');
  const again = await place.run('plan', 'uploads', '--keep');
  expect(again.exitCode, again.stdout).toBe(0);
  expect(again.records.find(({ type }) => type === 'plan')).toMatchObject({
    reasons: [expect.stringContaining(`docker volume ${volume} is not there`), expect.anything()],
  });
  const kept = again.records.find(({ type }) => type === 'plan-kept') as { id: string };
  const allowed = ['uploads', 'freeze', 'start-app'].flatMap((each) => ['--yes', each]);
  const done = await place.run('recover', kept.id, ...allowed);
  expect(done.exitCode, done.stdout).toBe(0);
  const labels = await docker.docker('volume', 'inspect', '--format', '{{json .Labels}}', volume);
  expect(JSON.parse(labels)).toMatchObject({ 'com.docker.compose.volume': 'uploads' });
  expect(listEntries(await folderOfVolume(docker, volume, context))).toEqual(recoveredEntries);
  expect(await compose('exec', '-T', 'app', 'cat', '/uploads/new.jpg')).toBe(
    'newer than the backup',
  );
}, 240_000);
