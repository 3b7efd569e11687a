import { rmSync } from 'node:fs';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { planRescue } from '../../src/recovery/index.ts';
import { createSource, parseConnectionUrl } from '../../src/sources/index.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { source as name, protectServer } from './protected-server.ts';

describe.each(serversUnderTest(18))(
  'an accident in a prepared transaction of $name',
  ({ major, bin: programs }) => {
    it('is undone although its locks, and those of others, are there again on the copy', async (context) => {
      const bin = need(context, programs, `no PostgreSQL ${major}`);
      const settings = { max_prepared_transactions: '4' };
      await using shop = await protectServer({ bin, major, settings });
      const { server, repository } = shop;
      const stateFolder = temporaryFolder('adversary');
      try {
        await server.query(
          'create table ledger (id int primary key, note text); create table other (id int primary key)',
        );
        await server.query(`insert into ledger select i, 'n' from generate_series(1, 500) i`);
        const stop = await shop.stream();
        await shop.backup();
        const client = new pg.Client({ connectionString: server.url() });
        await client.connect();
        await client.query('begin; lock table other; insert into other values (1)');
        await client.query(`prepare transaction 'of ''others'`);
        await client.query('begin; lock table ledger; delete from ledger where id > 100');
        const { rows } = await client.query('select txid_current()::int as xid');
        await client.query(`prepare transaction 'accident'`);
        await client.query(`commit prepared 'accident'`);
        await client.end();
        await stop();
        const connection = parseConnectionUrl(server.url());
        const source = await createSource({
          kind: 'postgres',
          name,
          connection,
          stateFolder,
          programsFolder: bin,
        });
        const selection = { xid: rows[0].xid };
        await using prepared = await planRescue({ repository, source, selection });
        expect(prepared.plan).toMatchObject({ rowsDestroyed: 400, rowsToPutBack: 400 });
        expect(await prepared.run()).toMatchObject({ rowsPutBack: 400 });
      } finally {
        rmSync(stateFolder, { recursive: true, force: true });
      }
    });
  },
);
