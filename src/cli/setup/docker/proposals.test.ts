import { expect, it } from 'vitest';
import type { SurveyedContainer } from '../../../platforms/index.ts';
import { groundOf, type ServerContainer } from './server.ts';
import { candidatesOf, chosenServices } from './services.ts';
import { storesOf } from './stores.ts';

const anonymous = 'a1'.repeat(32);

function container(name: string, more: Partial<SurveyedContainer> = {}): SurveyedContainer {
  return {
    ...{ name, image: 'shop', isRunning: true, mounts: [], networks: ['shop'] },
    ...{ addresses: [], namesServers: [], ...more },
  };
}

function database(mounts: SurveyedContainer['mounts'], dataFolder?: string): ServerContainer {
  const server = { user: 'postgres', database: 'shop', port: 5432, hasPassword: true };
  return {
    ...container('db', { image: 'postgres:18', mounts }),
    server: { ...server, ...(dataFolder === undefined ? {} : { dataFolder }) },
  };
}

const mount = (kind: 'volume' | 'folder', name: string, at: string, isWritable = true) => ({
  ...{ kind, name, at, isWritable },
});

it.each([
  ['all of a volume', mount('volume', 'data', '/data'), '/data', { volume: 'data' }],
  [
    'a folder in it',
    mount('volume', 'data', '/var/lib/postgresql'),
    '/var/lib/postgresql/18/docker',
    { volume: 'data', subfolder: '18/docker', image: 'postgres:18' },
  ],
  [
    'a folder of the host',
    mount('folder', '/srv/db', '/var/lib/postgresql'),
    '/var/lib/postgresql/data',
    { kind: 'folder', folder: '/srv/db/data' },
  ],
])('knows the ground: %s', (_, where, dataFolder, ground) => {
  expect(groundOf(database([where], dataFolder), undefined).ground).toMatchObject(ground);
});

it('says why there is no ground, or not a good one', () => {
  expect(groundOf(database([]), undefined)).toEqual({
    groundNote: expect.stringContaining('Nothing says'),
  });
  const loose = groundOf(database([mount('volume', 'x', '/data-of-others')], '/data'), undefined);
  expect(loose).toEqual({ groundNote: expect.stringContaining('goes with its container') });
  const nameless = groundOf(database([mount('volume', anonymous, '/data')], '/data'), 'far');
  expect(nameless).toMatchObject({
    ground: { volume: anonymous, context: 'far' },
    groundNote: expect.stringContaining('Give it a name'),
  });
});

it('offers what is written to, and nothing whose copy would be no backup', () => {
  const db = database(
    [mount('volume', 'pg', '/data'), mount('volume', 'dumps', '/dumps')],
    '/data',
  );
  const all = [
    db,
    container('api', {
      mounts: [
        mount('volume', 'uploads', '/uploads'),
        mount('folder', '/srv/shop/media', '/media'),
        mount('volume', anonymous, '/cache'),
        mount('volume', 'static', '/static', false),
        mount('folder', '/var/run/docker.sock', '/var/run/docker.sock'),
        mount('folder', '/', '/host'),
        mount('volume', 'dumps', '/dumps'),
      ],
    }),
    container('web', { mounts: [mount('volume', 'uploads', '/www', false)] }),
    container('cache', { image: 'redis:7', mounts: [mount('volume', 'redis', '/data')] }),
  ];
  const { offered, leftOut } = storesOf(all);
  expect(offered.map(({ name }) => name)).toEqual(['uploads', '/srv/shop/media']);
  expect(offered[0]).toMatchObject({ usedAt: '/uploads of api, /www of web' });
  expect(offered[0]?.writers.map(({ name }) => name)).toEqual(['api']);
  expect(leftOut.map(({ name }) => name)).toEqual([anonymous, 'redis']);
});

it('takes for a writer whoever may be one, and leaves out what could not be started again', () => {
  const db = database([mount('volume', 'pg', '/data')], '/data');
  const application = {
    containers: [
      container('api', { namesServers: ['db'] }),
      container('worker'),
      container('cache', { image: 'redis:7' }),
      container('stranger', { networks: ['bridge', 'other'] }),
      container('task', { unfit: 'it was started with --rm' }),
      db,
    ],
  };
  const candidates = candidatesOf(application, db);
  expect(Object.fromEntries(candidates.map((each) => [each.name, each.writesToServer]))).toEqual({
    ...{ db: 'no', api: 'known', worker: 'possible', cache: 'no', stranger: 'no' },
  });
  const wish = {
    application,
    candidates,
    server: db,
    database: 'database',
    stores: [],
    context: undefined,
  };
  const { entries, notes } = chosenServices(wish);
  expect(entries.map(({ setting }) => setting)).toEqual([
    { platform: 'docker', container: 'db' },
    { platform: 'docker', container: 'api', writes: ['database'], after: ['db'] },
    { platform: 'docker', container: 'worker', writes: ['database'], after: ['db'] },
  ]);
  expect(entries[2]?.notes).toEqual([expect.stringContaining('Nothing shows whether')]);
  expect(notes).toEqual([expect.stringContaining('task is left out')]);
});
