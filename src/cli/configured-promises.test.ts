import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/postgres.ts';
import type { CommandContext } from './command.ts';
import { configuredPromises } from './configured-promises.ts';

let folder: string;

beforeAll(() => {
  folder = temporaryFolder('promises');
  mkdirSync(join(folder, 'repository'));
  mkdirSync(join(folder, 'other'));
  symlinkSync('repository', join(folder, 'link'));
  const password = { env: 'P' };
  writeFileSync(
    join(folder, 'lifeboat.yaml'),
    JSON.stringify({
      name: 'test',
      repositories: {
        // Nobody can open it; the others are found all the same.
        broken: { location: 's3:https://s3.example', password, copyFrom: 'near' },
        near: { location: 'repository', password },
        rest: { location: 'rest:https://someone@backup.example/shop', password, copyFrom: 'near' },
        s3: { location: 's3:s3.example/bucket/shop?region=eu', password, copyFrom: 'near' },
        gone: { location: '/nowhere/repository', password, copyFrom: 'near' },
      },
      sources: {
        shop: {
          kind: 'postgres',
          connection: 'postgres://lifeboat@db/shop',
          repository: 'near',
          retention: { window: '30d' },
        },
      },
    }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const days = async (wanted: string | undefined, environment: NodeJS.ProcessEnv = {}) => {
  const context = { environment, folder, configFile: undefined } as CommandContext;
  const windowMs = (await configuredPromises(context, wanted)).get('shop');
  return windowMs === undefined ? undefined : windowMs / 86_400_000;
};

it('knows a repository of the configuration however its place is written', async () => {
  const path = join(folder, 'repository');
  for (const each of [
    undefined,
    'near',
    path,
    `${path}/`,
    `${path}/../repository//`,
    join(folder, 'link'),
    `file://${path}`,
    `./${relative(process.cwd(), path)}`,
    'rest:https://backup.example/shop/',
    'rest:https://other:secret@backup.example:443/shop',
    's3:https://s3.example/bucket/shop/',
    '/nowhere/repository/',
  ]) {
    expect([each, await days(each)]).toEqual([each, 30]);
  }
  expect(await days(undefined, { LIFEBOAT_REPOSITORY: `${path}/` })).toBe(30);
});

it('promises nothing of another place', async () => {
  for (const each of [
    join(folder, 'other'),
    '/nowhere/else',
    'rest:https://backup.example/other',
    's3:s3.example/bucket/other',
  ]) {
    expect([each, await days(each)]).toEqual([each, undefined]);
  }
});
