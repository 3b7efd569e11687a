import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { planConfiguration } from '../../../test/support/plan-facts.ts';
import { groundOfSource, placeOfService, placeOfSource } from './place-facts.ts';

const database = 'postgres://lifeboat:hunter2@db:5432/shop';
const volume = '{ kind: docker-volume, volume: shop_db }';

/** The place of the database and of its ground, with another connection, service or ground. */
function places(change: { connection?: string; ground?: string; service?: string }) {
  const configuration = planConfiguration((text) =>
    text
      .replace(database, change.connection ?? database)
      .replace(volume, change.ground ?? volume)
      .replace('    service: postgres\n', change.service ?? '    service: postgres\n'),
  );
  const source = configuration.sources.database;
  if (source === undefined) throw new Error('no database');
  return { source: placeOfSource(source), ground: groundOfSource(configuration, source) };
}

const folder = '{ kind: folder, folder: /srv/db }';

describe('the ground of a source', () => {
  it.each([
    ['a volume of the engine that its server runs on', {}, false],
    [
      'a volume of another engine',
      { ground: '{ kind: docker-volume, volume: v, context: dr }' },
      true,
    ],
    [
      'a folder of this host, the server too',
      { connection: 'postgres://l@127.0.0.1/shop', ground: folder, service: '' },
      false,
    ],
    [
      'a folder of this host, by its name',
      { connection: `postgres://l@${hostname()}/shop`, ground: folder, service: '' },
      false,
    ],
    ['a folder of this host, the server elsewhere', { ground: folder, service: '' }, true],
    [
      'a folder of the same host over SSH',
      { ground: '{ kind: ssh-host, host: root@db, folder: /srv }', service: '' },
      false,
    ],
    [
      'a folder of another host over SSH',
      { ground: '{ kind: ssh-host, host: root@db2, folder: /srv }', service: '' },
      true,
    ],
    [
      'the same server by connection',
      { ground: '{ kind: server, connection: "postgres://admin@db/shop" }' },
      false,
    ],
    [
      'another port',
      { ground: '{ kind: server, connection: "postgres://admin@db:5433/shop" }' },
      true,
    ],
  ])('%s', (_, change, isElsewhere) => {
    expect(places(change).ground?.isElsewhere).toBe(isElsewhere);
  });

  it('is none where nothing is configured', () => {
    const configuration = planConfiguration();
    const { uploads } = configuration.sources;
    expect(uploads && groundOfSource(configuration, uploads)).toBeUndefined();
  });
});

describe('a place', () => {
  it('never tells a password', () => {
    expect(JSON.stringify(places({}))).not.toContain('hunter2');
  });

  it('of this host has one name, however it is called', () => {
    const { services, sources } = planConfiguration();
    const hosts = services.map((each) => placeOfService(each).host);
    expect(hosts).toEqual([hostname(), hostname(), hostname()]);
    expect(places({ connection: 'postgres://l@localhost/shop' }).source.host).toBe(hostname());
    expect(sources.uploads && placeOfSource(sources.uploads)).toEqual({
      text: '/srv/uploads',
      host: hostname(),
    });
  });
});
