import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { initRepository, LocalLocation, openLocation } from '../../src/repository/index.ts';
import { findProgram } from '../support/programs.ts';
import { startRestServer } from '../support/rest-server.ts';
import { need } from '../support/skip.ts';
import { hashesOf, hashesWanted, storeFiles } from '../support/stored-files.ts';

const password = new Secret('pw');
const kept = { kept: randomBytes(300_000) };

it('prunes on a REST server, and looks at its clock', async (context) => {
  const program = need(context, findProgram('rest-server'), 'no rest-server on PATH');
  await using server = await startRestServer(program);
  const location = openLocation(`rest:${server.url}/one/`);
  await using repository = await initRepository({ location, password });
  const lost = await storeFiles(repository, { ...kept, lost: randomBytes(300_000) });
  const id = await storeFiles(repository, kept);
  await location.remove('snapshots', lost);
  const warnings: string[] = [];
  const report = await repository.prune({
    keepMarkedMs: 0,
    progress: (event) => void (event.type === 'warning' && warnings.push(event.message)),
  });
  expect(report).toMatchObject({ packsRepacked: 1, packsUnneeded: 1, filesRemoved: 2 });
  expect(warnings).toEqual([]);
  const clock = (await location.now?.()) as Date;
  expect(Math.abs(clock.getTime() - Date.now())).toBeLessThan(3_600_000);
  expect((await repository.check({ readData: true })).findings).toEqual([]);
  expect(await hashesOf(repository, id)).toEqual(hashesWanted(kept));
});

it('is refused on an append-only one before anything is changed', async (context) => {
  const program = need(context, findProgram('rest-server'), 'no rest-server on PATH');
  await using server = await startRestServer(program, { appendOnly: true });
  const location = openLocation(`rest:${server.url}/one/`);
  await using repository = await initRepository({ location, password });
  await storeFiles(repository, kept);
  const place = new LocalLocation(`${server.folder}/one`);
  const names = async () =>
    Promise.all((['data', 'index', 'locks'] as const).map((kind) => place.list(kind)));
  const before = await names();
  await expect(repository.prune()).rejects.toMatchObject({
    code: 'location.refused',
    hint: expect.stringContaining('Nothing was changed'),
  });
  expect(await names()).toEqual(before);
  expect(await repository.prune({ dryRun: true })).toMatchObject({ packsUnneeded: 0 });
});
