import type { Session } from '../../rescue/session.ts';
import { quoteName } from '../../rescue/sql-text.ts';
import type { FreezeGap } from '../freeze-record.ts';

/** Subscriptions write what a publisher elsewhere sends, by a worker of the server itself: no right or limit stops it. */
export async function subscriptionGaps(
  session: Session,
  source: string,
  databases: readonly number[],
): Promise<readonly FreezeGap[]> {
  const rows = await session.rows<{ name: string; database: string }>(
    `select s.subname::text as name, d.datname::text as database
       from pg_subscription s join pg_database d on d.oid = s.subdbid
      where s.subenabled and s.subdbid = any($1::int8[]) order by 2, 1`,
    [databases],
  );
  return rows.map(({ name, database }) => ({
    kind: 'subscription',
    source,
    what: `the subscription ${name} writes to ${database}`,
    remedy: `In the database ${database} as its owner; after the thaw ENABLE it again.`,
    sql: [`ALTER SUBSCRIPTION ${quoteName(name)} DISABLE;`],
  }));
}
