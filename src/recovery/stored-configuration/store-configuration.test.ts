import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { memoryRepository } from '../../../test/support/memory-repository.ts';
import { temporaryFolder } from '../../../test/support/postgres.ts';
import { parseConfiguration } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import { storeConfiguration } from './store-configuration.ts';

let folder: string;
let main: Repository;
let asked: string[];

beforeEach(async () => {
  folder = temporaryFolder('store-configuration');
  main = (await memoryRepository()).open();
  asked = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function world(change: object = {}, others: Record<string, () => Promise<Repository>> = {}) {
  const password = { env: 'PW' };
  const text = JSON.stringify({
    name: 'shop',
    state: folder,
    repositories: Object.fromEntries(
      ['main', ...Object.keys(others)].map((name) => [name, { location: `/${name}`, password }]),
    ),
    sources: {},
    ...change,
  });
  return {
    configuration: parseConfiguration(text, '/etc/lifeboat/lifeboat.yaml', {}),
    environment: {},
    host: 'db-1',
    actor: 'root',
    patienceMs: 1000,
    async repository(name: string) {
      asked.push(name);
      return name === 'main' ? main : await (others[name] as () => Promise<Repository>)();
    },
  };
}
const names = async () =>
  (await main.records.list({ kind: 'configuration' })).map(({ body }) => {
    return (body as { configuration: { name: string } }).configuration.name;
  });

it('asks no repository while the configuration is as it was', async () => {
  expect(await storeConfiguration(world())).toEqual([]);
  expect(await storeConfiguration(world())).toEqual([]);
  expect(asked).toEqual(['main']);
  await storeConfiguration(world({ name: 'other' }));
  // Back again: what is newest counts, not what was there once.
  await storeConfiguration(world());
  expect(await names()).toEqual(['shop', 'other', 'shop']);
  expect(asked).toEqual(['main', 'main', 'main']);
});

it('waits for none that does not answer, and asks it again next time', async () => {
  const others = {
    silent: () => new Promise<Repository>(() => {}),
    gone: () => Promise.reject(new LifeboatError('location.unreachable', 'nobody is there')),
  };
  for (const _ of [1, 2]) {
    expect(await storeConfiguration(world({}, others))).toEqual(
      expect.arrayContaining([
        { repository: 'silent', problem: 'it does not answer' },
        { repository: 'gone', problem: 'nobody is there' },
      ]),
    );
  }
  expect(asked.sort()).toEqual(['gone', 'gone', 'main', 'silent', 'silent']);
});

it('is not kept from it by a state folder that cannot be used, or holds nonsense', async () => {
  writeFileSync(join(folder, 'stored-configuration.json'), '[null, 1');
  await storeConfiguration(world());
  const state = join(folder, 'no', 'state');
  mkdirSync(join(folder, 'no'), { mode: 0o500 });
  expect(await storeConfiguration(world({ name: 'other', state }))).toEqual([]);
  expect(await names()).toEqual(['shop', 'other']);
});

it('keeps none that is far too large', async () => {
  const after = [{ name: 'x', manual: 'x'.repeat(2 * 1024 * 1024) }];
  expect(await storeConfiguration(world({ recovery: { after } }))).toEqual([
    { repository: 'main', problem: 'it is far too large' },
  ]);
  expect(asked).toEqual([]);
});
