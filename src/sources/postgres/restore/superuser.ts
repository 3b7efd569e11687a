import { isLifeboatError } from '../../../core/index.ts';
import type { RunningServer } from '../server/index.ts';
import { withSession } from './database-session.ts';

/** Somewhere to log in to; one of the two exists in nearly every cluster. */
export const maintenanceDatabases = ['postgres', 'template1'] as const;

/** Where to log in with every right. */
export interface SuperuserLogin {
  readonly user: string;
  readonly database: string;
}

/** Tries who of `users` is a superuser that may log in. Undefined: none, ask the stopped cluster itself. */
export async function findSuperuser(
  server: RunningServer,
  users: readonly string[],
): Promise<SuperuserLogin | undefined> {
  for (const user of new Set(users)) {
    for (const database of maintenanceDatabases) {
      if (await isSuperuser(server, user, database)) return { user, database };
    }
  }
  return undefined;
}

/** The first of `users` that may log in at all, with every right or not: on a server that only reads nobody can be asked. */
export async function findLogin(
  server: RunningServer,
  users: readonly string[],
): Promise<SuperuserLogin | undefined> {
  const superuser = await findSuperuser(server, users);
  if (superuser) return superuser;
  for (const user of new Set(users)) {
    for (const database of maintenanceDatabases) {
      if (await mayLogIn(server, user, database)) return { user, database };
    }
  }
  return undefined;
}

async function mayLogIn(server: RunningServer, user: string, database: string): Promise<boolean> {
  try {
    return await withSession(server.connection(database, user), async () => true);
  } catch (error) {
    if (isLifeboatError(error, 'postgres.refused')) return false;
    throw error;
  }
}

async function isSuperuser(
  server: RunningServer,
  user: string,
  database: string,
): Promise<boolean> {
  try {
    return await withSession(server.connection(database, user), async (client) => {
      const { rows } = await client.query<{ superuser: boolean }>(
        'select rolsuper as superuser from pg_catalog.pg_roles where rolname = current_user',
      );
      return rows[0]?.superuser === true;
    });
  } catch (error) {
    if (isLifeboatError(error, 'postgres.refused')) return false;
    throw error;
  }
}
