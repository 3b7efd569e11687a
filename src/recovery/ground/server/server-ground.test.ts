import { tmpdir } from 'node:os';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres, type TestServer } from '../../../../test/support/postgres.ts';
import { serversUnderTest } from '../../../../test/support/servers.ts';
import { need } from '../../../../test/support/skip.ts';
import { findClientPrograms, parseConnectionUrl } from '../../../sources/index.ts';
import type { DatabaseDelivery } from '../ground.ts';
import { nameFor } from './database-names.ts';
import { deliverDatabases } from './deliver-databases.ts';
import { examineServer } from './examine-server.ts';
import { ServerGround } from './server-ground.ts';
import { openTrials } from './trial-databases.ts';

const [subject] = serversUnderTest(15);
const canRun = subject?.bin !== undefined && subject.hasTools;

describe('a server as a ground, by connection alone', () => {
  let live: TestServer;
  let past: TestServer;
  let ground: ServerGround;
  let delivery: DatabaseDelivery;

  beforeAll(async () => {
    if (!canRun) return;
    const { bin = '', major = 15 } = subject ?? {};
    [live, past] = await Promise.all([
      startPostgres({ bin, major, settings: { fsync: 'off' } }),
      startPostgres({ bin, major, settings: { fsync: 'off' } }),
    ]);
    for (const server of [live, past]) await server.query('create role shop_owner login');
    for (const name of ['Shop "1"', 'other']) {
      await past.query(`create database ${pg.escapeIdentifier(name)} owner shop_owner`);
      await past.query(
        `create table t as select 'recovered of ${name}' as text`,
        encodeURIComponent(name),
      );
    }
    ground = new ServerGround({
      connection: parseConnectionUrl(live.url('postgres')),
      scratchFolder: tmpdir(),
    });
    delivery = deliverDatabases({
      connection: parseConnectionUrl(past.url('postgres')),
      programs: await findClientPrograms(major, { configuredFolder: bin }),
      databases: ['Shop "1"', 'other'],
    });
  });
  afterAll(async () => {
    await live?.[Symbol.asyncDispose]();
    await past?.[Symbol.asyncDispose]();
  });
  /** One database of the two is there, with all that a database can have. */
  beforeEach(async (context) => {
    need(context, canRun, 'PostgreSQL 15 with its client programs is not installed');
    const { rows } = await live.query(
      `select datname as name from pg_database where datname not in ('postgres', 'template0', 'template1')`,
    );
    for (const { name } of rows) {
      await live.query(`drop database ${pg.escapeIdentifier(name)} with (force)`);
    }
    for (const sql of [
      'create database "Shop ""1""" owner shop_owner connection limit 7',
      `comment on database "Shop ""1""" is 'of the shop\nin two lines'`,
      `alter database "Shop ""1""" set search_path to "$user", 'odd "name, x', public`,
      `alter database "Shop ""1""" set lifeboat_test.setting to 'it''s, "so"'`,
      `alter role shop_owner in database "Shop ""1""" set work_mem to '5MB'`,
      'revoke connect on database "Shop ""1""" from public',
      'grant connect, create on database "Shop ""1""" to shop_owner with grant option',
    ])
      await live.query(sql);
    await live.query(`create table t as select 'former' as text`, encodeURIComponent('Shop "1"'));
  });

  const text = async (database: string) =>
    (await live.query('select text from t', encodeURIComponent(database))).rows[0]?.text;
  const databases = async () =>
    (await live.query('select datname as name from pg_database order by 1')).rows
      .map(({ name }) => name as string)
      .filter((name) => !/^(postgres|template\d)$/.test(name));
  const properties = async () => {
    const { rows } = await live.query(
      `select pg_get_userbyid(datdba) as owner, datconnlimit, split_part(shobj_description(d.oid, 'pg_database'), E'\nlifeboat:', 1) as comment,
         (select array_agg(a::text order by a::text) from unnest(datacl) a) as acl,
         (select array_agg(setrole::regrole::text || s order by s) from pg_db_role_setting, unnest(setconfig) s where setdatabase = d.oid) as settings
         from pg_database d where datname = 'Shop "1"'`,
    );
    return rows[0];
  };

  it('brings them beside, in place with all that a database has, back, and settles', async () => {
    const former = await properties();
    expect(await ground.state('a1')).toBe('nothing');
    await ground.fill('a1', delivery);
    expect(await ground.state('a1')).toBe('filled');
    expect(await text('Shop "1"')).toBe('former');
    await ground.fill('a1', delivery);
    const kept = await ground.swap('a1');
    // One of the two was not there.
    expect(kept).toBe(`database Shop "1"_former_a1 on ${ground.describe()}`);
    expect(await ground.swap('a1')).toBe(kept);
    expect(await ground.formerAt('a1')).toBe(kept);
    expect(await ground.state('a1')).toBe('swapped');
    expect(await text('Shop "1"')).toBe('recovered of Shop "1"');
    expect(await text('other')).toBe('recovered of other');
    expect(await properties()).toEqual(former);
    await ground.swapBack('a1');
    await ground.swapBack('a1');
    expect(await ground.state('a1')).toBe('filled');
    expect(await text('Shop "1"')).toBe('former');
    expect(await properties()).toEqual(former);
    expect(await databases()).not.toContain('other');
    await ground.swap('a1');
    await ground.settle('a1');
    await ground.settle('a1');
    expect(await ground.state('a1')).toBe('settled');
    expect(await databases()).toEqual(['Shop "1"', 'other']);
    expect(await properties()).toEqual(former);
    await expect(ground.swapBack('a1')).rejects.toMatchObject({ code: 'ground.failed' });
    await expect(ground.discard('a1')).rejects.toMatchObject({ code: 'ground.failed' });
  });

  it('is filled again after it broke off, and gives up only what it brought', async () => {
    const failing: DatabaseDelivery = {
      ...delivery,
      dump: async (database, file, request) => {
        if (database === 'other') throw new Error('killed');
        await delivery.dump(database, file, request);
      },
    };
    await expect(ground.fill('a1', failing)).rejects.toThrow('killed');
    expect(await ground.state('a1')).toBe('begun');
    await expect(ground.swap('a1')).rejects.toMatchObject({ code: 'ground.failed' });
    await ground.fill('a1', delivery);
    await ground.fill('a2', delivery);
    await ground.swap('a1');
    await expect(ground.discard('a1')).rejects.toMatchObject({ code: 'ground.failed' });
    await ground.discard('a2');
    expect(await ground.state('a2')).toBe('nothing');
    expect(await ground.state('a1')).toBe('swapped');
    await ground.swapBack('a1');
    await ground.discard('a1');
    expect(await databases()).toEqual(['Shop "1"']);
    expect(await text('Shop "1"')).toBe('former');
  });

  it('lends copies of what was brought, knows whether they were used, and leaves none behind', async () => {
    const connection = parseConnectionUrl(live.url('postgres'));
    const lent = { connection, databases: ['Shop "1"', 'other'], token: 'a1' };
    const copied = nameFor('Shop "1"', 'trial', 'a1');
    await ground.fill('a1', delivery);
    {
      await using trials = await openTrials(lent);
      const before = await trials.sessions();
      expect(await trials.hadMoreThan(before)).toBe(false);
      await live.query(`insert into t values ('tried')`, encodeURIComponent(copied));
      expect(await trials.hadMoreThan(before)).toBe(true);
    }
    expect(await databases()).not.toContain(copied);
    expect(await text(nameFor('Shop "1"', 'lifeboat', 'a1'))).toBe('recovered of Shop "1"');
    const { rows } = await live.query(
      'select count(*)::int as n from t',
      encodeURIComponent(nameFor('Shop "1"', 'lifeboat', 'a1')),
    );
    expect(rows).toEqual([{ n: 1 }]);

    // Whoever was killed has left them: the next trial makes them anew, and nothing outlives the delivery.
    await openTrials(lent);
    await live.query(`delete from t`, encodeURIComponent(copied));
    await openTrials(lent);
    expect(await text(copied)).toBe('recovered of Shop "1"');
    await ground.swap('a1');
    await ground.settle('a1');
    expect(await databases()).toEqual(['Shop "1"', 'other']);
    await ground.fill('a2', delivery);
    await openTrials({ ...lent, token: 'a2' });
    await ground.discard('a2');
    expect(await databases()).toEqual(['Shop "1"', 'other']);
  });

  it('puts one delivery over another, takes them back, and lets go of each alone', async () => {
    const former = await properties();
    const brought = (name: string) => `recovered of ${name}`;
    for (const token of ['a1', 'a2', 'a3', 'a4']) await ground.fill(token, delivery);
    const mark = (token: string) =>
      live.query(`update t set text = '${token}'`, encodeURIComponent('Shop "1"'));
    await ground.swap('a1');
    await mark('a1');
    await ground.swap('a2');
    await mark('a2');
    expect(await ground.state('a1')).toBe('swapped');
    await expect(ground.swapBack('a1')).rejects.toMatchObject({ code: 'ground.failed' });
    await expect(ground.discard('a1')).rejects.toMatchObject({ code: 'ground.failed' });
    await ground.swapBack('a2');
    expect(await text('Shop "1"')).toBe('a1');
    expect(await ground.state('a1')).toBe('swapped');
    // The upper one is let go of first: what the lower one replaced stays known, also behind a third.
    await ground.swap('a2');
    await ground.settle('a2');
    await ground.settle('a2');
    expect(await ground.state('a1')).toBe('swapped');
    await expect(ground.swapBack('a1')).rejects.toMatchObject({ code: 'ground.failed' });
    await ground.swap('a3');
    expect(await text('Shop "1"')).toBe(brought('Shop "1"'));
    await ground.settle('a3');
    expect(await text(nameFor('Shop "1"', 'former', 'a1'))).toBe('former');
    // The lower one first: what is over it stays as it is.
    await ground.swap('a4');
    await ground.settle('a1');
    await ground.settle('a1');
    expect([await ground.state('a1'), await ground.state('a4')]).toEqual(['settled', 'swapped']);
    await ground.swapBack('a4');
    await ground.discard('a4');
    expect(await text('Shop "1"')).toBe(brought('Shop "1"'));
    expect(await databases()).toEqual(['Shop "1"', 'other']);
    expect(await properties()).toEqual(former);
  });

  it('takes no comment of others for one of ours', async () => {
    await live.query('create database odd');
    for (const text of ['null', '{}', '[]', '{"token":"a1","below":7}', '{"token":"a1"}']) {
      await live.query(`comment on database odd is 'lifeboat: ${text}'`);
      expect(await ground.state('a1')).toBe('nothing');
    }
  });

  it('ends sessions for the swap, and swaps all or nothing', async () => {
    await ground.fill('a1', delivery);
    const client = new pg.Client({ connectionString: live.url(encodeURIComponent('Shop "1"')) });
    client.on('error', () => {});
    await client.connect();
    await live.query('alter system set default_transaction_read_only = on');
    await live.query('select pg_reload_conf()');
    await ground.swap('a1');
    await expect(client.query('select 1')).rejects.toThrow();
    expect(await text('Shop "1"')).toBe('recovered of Shop "1"');
    await live.query('alter system reset default_transaction_read_only');
    await live.query('select pg_reload_conf()');
    // Somebody has made a database of that name meanwhile: nothing at all is renamed.
    await ground.swapBack('a1');
    await live.query(`create database ${nameFor('other', 'former', 'a1')}`);
    await live.query('create database other');
    await expect(ground.swap('a1')).rejects.toMatchObject({ code: 'ground.failed' });
    expect(await text('Shop "1"')).toBe('former');
    expect(await ground.state('a1')).toBe('filled');
  });

  it('has names of its own for databases with names that fill all the room', () => {
    const names = ['x', 'y'].map((last) =>
      nameFor(`${'ü'.repeat(31)}${last}`, 'former', 'a'.repeat(40)),
    );
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
  });

  it('says which server it is', async () => {
    const { fingerprint } = await ground.identify();
    const other = new ServerGround({
      connection: parseConnectionUrl(past.url('postgres')),
      scratchFolder: tmpdir(),
    });
    expect((await other.identify()).fingerprint).not.toBe(fingerprint);
  });

  it('says beforehand what the role may not do there', async () => {
    await live.query('create role poor login');
    const connection = parseConnectionUrl(live.url('postgres').replace('postgres@', 'poor@'));
    const databases = ['Shop "1"', 'not there'];
    const found = await examineServer({ connection, databases, programsFolder: subject?.bin });
    expect(found).toEqual([
      expect.stringContaining('the role poor may not create databases'),
      expect.stringContaining('the role poor may not replace the database Shop "1"'),
    ]);
    await live.query('alter role poor createdb; grant shop_owner to poor');
    expect(await examineServer({ connection, databases, programsFolder: subject?.bin })).toEqual(
      [],
    );
  });
});
