import { assert, isLifeboatError, LifeboatError, sleep } from '../../core/index.ts';
import type { ConnectionSettings } from '../../sources/index.ts';
import { openSession, type Session } from './session.ts';

const attempts = 30;

/**
 * Commits. When the connection breaks before the answer arrives, the same server is asked what became of the
 * transaction (another of the URL may have given its number to another one).
 * Errors: `postgres.connection-lost` when it was rolled back or nobody can say.
 */
export async function commitSurely(live: Session): Promise<void> {
  const [row] = await live.rows<{ xid: string }>('select pg_current_xact_id()::text as xid');
  try {
    await live.run('commit');
    // A transaction that failed unnoticed answers COMMIT with ROLLBACK, which is no error to the driver.
    const sql = 'select pg_xact_status($1::text::xid8) as status';
    const [after] = await live.rows<{ status: string | null }>(sql, [row?.xid]);
    assert(after?.status === 'committed', `the rescue ended as ${after?.status}`);
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.connection-lost')) throw error;
    if ((await fate(live.settings, row?.xid ?? '')) === 'committed') return;
    throw error;
  }
}

async function fate(settings: ConnectionSettings, xid: string): Promise<string | null> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    try {
      await using session = await openSession(settings);
      const [row] = await session.rows<{ status: string | null }>(
        'select pg_xact_status($1::text::xid8) as status',
        [xid],
      );
      if (row?.status !== 'in progress') return row?.status ?? null;
    } catch (error) {
      if (!isLifeboatError(error)) throw error;
    }
    await sleep(1000);
  }
  throw new LifeboatError(
    'postgres.connection-lost',
    `the connection broke during the commit, and the server does not say how it ended (xid ${xid})`,
    {
      hint: 'Run the command again when the server answers: rows that are there already are left alone.',
    },
  );
}
