import { describe, expect, it } from 'vitest';
import type { Configuration } from '../config/index.ts';
import { type AnySource, parseConnectionUrl } from '../sources/index.ts';
import { examineGround } from './examine-ground.ts';

const connection = parseConnectionUrl('postgres://lifeboat@127.0.0.1:1/shop');
const source = (kind: string, settings: object = {}) =>
  ({ name: 'database', kind, settings: { connection, ...settings } }) as unknown as AnySource;
const configuration = (setting: object = {}) =>
  ({ sources: { database: setting } }) as unknown as Configuration;
const ground = { kind: 'folder', folder: '/srv/db' };

describe('where a recovered database is put', () => {
  it.each([
    ['a server elsewhere', source('postgres'), 'docker-volume'],
    ['dumps', source('postgres-dump'), 'kind: server'],
  ])('is missing before it is needed: %s', async (_, each, remedy) => {
    const [found, other] = await examineGround(each, configuration());
    expect(found).toMatchObject({ check: 'ground', outcome: 'warning' });
    expect(found?.fact).toContain('nobody says where a restored database is put');
    expect(found?.remedy).toContain(remedy);
    expect(other).toBeUndefined();
  });

  it.each([
    ['it is configured', source('postgres'), configuration({ ground })],
    ['its folder is', source('postgres', { local: '/srv/db' }), configuration()],
    ['files go to where they were', source('files', { paths: ['/srv'] }), configuration()],
  ])('is known: %s', async (_, each, settings) => {
    expect(await examineGround(each, settings)).toEqual([]);
  });
});
