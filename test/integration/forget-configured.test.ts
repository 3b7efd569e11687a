import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lifeboatInProcess } from '../support/in-process.ts';
import { localRepository, testPassword } from '../support/local-repository.ts';

it('forget --configured does what the retention of the configuration says, source by source', async () => {
  await using made = await localRepository();
  const { repository, folder } = made;
  const publish = async (source: string, day: number, host = hostname()) => {
    await using writer = await repository.startBackup();
    const tree = await writer.saveTree([]);
    return await writer.publishSnapshot({
      time: new Date(Date.UTC(2026, 9, day)),
      tree,
      paths: ['/srv'],
      tags: ['lifeboat', 'kind:files', `source:${source}`],
      hostname: host,
      filesTotal: 0,
      bytesTotal: 0,
    });
  };
  const docs: string[] = [];
  for (const day of [1, 2, 3, 4]) docs.push(await publish('docs', day));
  const elsewhere = await publish('docs', 1, 'another-host');
  const all = await publish('all', 1);
  // Beside the repository's own files, which nobody confuses them with.
  const [password, config] = [join(folder, 'password'), join(folder, 'lifeboat.yaml')];
  writeFileSync(password, testPassword, { mode: 0o600 });
  writeFileSync(
    config,
    JSON.stringify({
      name: 'test',
      repositories: { main: { location: folder, password: { file: password } } },
      sources: {
        docs: { kind: 'files', paths: ['/srv'], retention: { last: 1, minimum: 2 } },
        all: { kind: 'files', paths: ['/srv'] },
      },
    }),
  );
  const run = (...args: string[]) =>
    lifeboatInProcess(['-c', config, 'forget', ...args, '--json'], {});
  const dry = await run('--configured', '--dry-run');
  expect(dry.records.at(-1)).toMatchObject({ type: 'forget', kept: 2, toRemove: 2, removed: [] });
  expect((await run('--configured')).records.at(-1)).toMatchObject({ removed: docs.slice(0, 2) });
  const left = (await repository.snapshots()).map(({ id }) => id as string);
  expect(left.toSorted()).toEqual([docs[2], docs[3], elsewhere, all].toSorted());
  expect((await run()).exitCode).toBe(2);
  expect((await run('--configured', '--keep-last', '1')).exitCode).toBe(2);
});
