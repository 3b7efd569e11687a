import { describe, expect, it } from 'vitest';
import { checkConstraints } from '../../src/recovery/validate/checks/check-constraints.ts';
import { copyPlace } from '../../src/recovery/validate/copy-place.ts';
import { Desk } from '../../src/recovery/validate/desk.ts';
import { outcomeOfError } from '../../src/recovery/validate/error-outcome.ts';
import { parseConnectionUrl, type ScratchServer } from '../../src/sources/index.ts';
import { startPostgres } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

describe.each(serversUnderTest(15))('the checks of a copy on $name', ({ bin, major }) => {
  it('give each statement a time, and name what was not checked for want of it', async (context) => {
    const programs = need(context, bin, `no PostgreSQL ${major}`);
    await using server = await startPostgres({ bin: programs, major });
    await server.query('create database shop');
    await server.query(
      `create function rests(n int) returns boolean language plpgsql as $$
       begin
         if current_setting('application_name') like 'lifeboat%' then perform pg_sleep(60); end if;
         return true;
       end $$;
       create table beds (n int constraint sleeps check (public.rests(n))); insert into beds values (1)`,
      'shop',
    );
    const scratch = {
      dataFolder: server.dataFolder,
      reachedLsn: 0n,
      base: { info: { stopTime: new Date().toISOString() } },
      connection: (database: string) => parseConnectionUrl(server.url(database)),
    } as unknown as ScratchServer;
    const copy = await copyPlace(scratch, { userChecks: [], formerValues: {} });
    expect(copy.statementLimitMs).toBeGreaterThanOrEqual(30 * 60_000);

    await using patient = new Desk(copy, undefined);
    const { units } = await checkConstraints.plan(copy, patient);
    expect(units.map(({ object }) => object)).toEqual(['sleeps of shop.public.beds']);
    await using hurried = new Desk({ ...copy, statementLimitMs: 500 }, undefined);
    const outcome = await units[0]?.run(hurried).catch((error) => outcomeOfError(error, copy));
    expect(outcome).toEqual({ problems: [], notChecked: expect.stringMatching(/timeout/) });
  });
});
