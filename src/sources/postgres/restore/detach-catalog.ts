import type pg from 'pg';
import type { RunningServer } from '../server/index.ts';
import { withSession } from './database-session.ts';
import type { SuperuserLogin } from './superuser.ts';

/**
 * Takes out of the copied catalog what would reach the original once somebody works with the copy: subscriptions
 * (with their connection and slot), and libraries to be loaded into every session of a database or role. Returns how
 * many subscriptions there were.
 */
export async function detachCatalog(server: RunningServer, login: SuperuserLogin): Promise<number> {
  return await withSession(server.connection(login.database, login.user), async (client) => {
    await client.query('begin');
    // The commands for this connect to the publisher, or exist only per object: the rows are changed instead.
    await client.query('set local allow_system_table_mods = on');
    const { rowCount } = await client.query(
      `update pg_catalog.pg_subscription set subenabled = false, subslotname = null, subconninfo = ''`,
    );
    await forgetPreloads(client);
    await client.query('commit');
    return rowCount ?? 0;
  });
}

async function forgetPreloads(client: pg.Client): Promise<void> {
  await client.query(`
    update pg_catalog.pg_db_role_setting set setconfig = array(
      select entry from unnest(setconfig) as entry
      where entry !~* '^(session|local)_preload_libraries='
    )`);
}
