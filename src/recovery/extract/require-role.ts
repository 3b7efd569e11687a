import type { Session } from '../rescue/session.ts';
import { quoteName } from '../rescue/sql-text.ts';

/** A role of that name on the copy, so that things there can be given to it. */
export async function requireRole(past: Session, name: string): Promise<void> {
  const known = await past.rows('select from pg_roles where rolname = $1', [name]);
  if (known.length === 0) await past.run(`create role ${quoteName(name)}`);
}
