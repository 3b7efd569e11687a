import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import type { Session } from './session.ts';
import { quoteName } from './sql-text.ts';
import type { TableMatch } from './table-match.ts';

/**
 * `replica`: session_replication_role keeps all ordinary triggers and foreign-key checks silent, so the rescue
 * checks the keys itself. `owner`: the role may not set that; user triggers are switched off by ALTER TABLE inside
 * the transaction (which keeps writers out until it ends) and the server checks foreign keys as always.
 */
export type QuietMode = 'replica' | 'owner';

/** Which of the two this role can use. Sets it for the rest of the transaction. */
export async function chooseQuietMode(live: Session): Promise<QuietMode> {
  await live.run('savepoint lifeboat_quiet');
  try {
    await live.run('set local session_replication_role = replica');
    await live.run('release savepoint lifeboat_quiet');
    return 'replica';
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.query') || error.context.sqlstate !== '42501')
      throw error;
    await live.run('rollback to savepoint lifeboat_quiet');
    return 'owner';
  }
}

interface Noise {
  readonly table: TableMatch;
  readonly kind: 'trigger' | 'rule';
  readonly name: string;
  /** O origin, R replica, A always. */
  readonly enabled: 'O' | 'R' | 'A';
}

/** User triggers and rules that would fire for rows put back in this mode. */
async function findNoise(
  live: Session,
  table: TableMatch,
  mode: QuietMode,
): Promise<readonly Noise[]> {
  const firing = mode === 'replica' ? ['A', 'R'] : ['O', 'A'];
  // Up to 14 the triggers that partitions inherit are marked internal; those of foreign keys have a constraint.
  const found = await live.rows<Omit<Noise, 'table'>>(
    `select 'trigger' as kind, tgname::text as name, tgenabled::text as enabled from pg_trigger
     where tgrelid = $1::int8::oid and (not tgisinternal or (tgparentid <> 0 and tgconstraint = 0))
       and tgenabled::text = any ($2) and (tgtype & 20) <> 0
     union all select 'rule', rulename::text, ev_enabled::text from pg_rewrite
     where ev_class = $1::int8::oid and ev_enabled::text = any ($2) and ev_type in ('2', '3') order by 1, 2`,
    [table.live.oid, firing],
  );
  return found.map((each) => ({ ...each, table }));
}

/**
 * Silences user triggers and rules of the tables for this transaction. Returns the function that brings each back to
 * what it was; a rollback does so, too. Errors: `rescue.unsupported` when the role may not.
 */
export async function quietTriggers(
  live: Session,
  matches: readonly TableMatch[],
  mode: QuietMode,
): Promise<() => Promise<void>> {
  const silenced: Noise[] = [];
  for (const match of matches) {
    for (const noise of await findNoise(live, match, mode)) {
      await alter(live, noise, 'disable').catch((error: unknown) => {
        throw noiseError(noise, error);
      });
      silenced.push(noise);
    }
  }
  return async () => {
    for (const noise of silenced) {
      const state = { O: 'enable', R: 'enable replica', A: 'enable always' }[noise.enabled];
      await alter(live, noise, state);
    }
  };
}

async function alter(live: Session, noise: Noise, state: string): Promise<void> {
  const { table, kind, name } = noise;
  await live.run(`alter table ${table.liveSql} ${state} ${kind} ${quoteName(name)}`);
}

function noiseError(noise: Noise, cause: unknown): unknown {
  if (!isLifeboatError(cause, 'postgres.query') || cause.context.sqlstate !== '42501') return cause;
  return new LifeboatError(
    'rescue.unsupported',
    `this role may not keep ${noise.kind} ${noise.name} of ${noise.table.display} from firing`,
    {
      hint: 'Connect as the owner of the tables or as a superuser. Nothing was changed.',
      cause,
    },
  );
}
