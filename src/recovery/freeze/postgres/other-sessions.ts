import { isLifeboatError, sleep } from '../../../core/index.ts';
import type { Session } from '../../rescue/session.ts';

/** A session in a frozen database that is neither ours nor of the server itself. */
export interface OtherSession {
  readonly pid: number;
  /** With the process id it names one session of all times. */
  readonly start: string;
  readonly database: string;
  readonly role: string;
  /** Its client; `local`: a Unix socket. Null where the role of Lifeboat may not see it. */
  readonly address: string | null;
  readonly application: string;
  /** It was begun after the last database was closed. */
  readonly isBack: boolean;
  /** What was closed does not keep it out. */
  readonly mayReturn: boolean;
  readonly isSuperuser: boolean;
  /** Whether it is a client cannot be seen by the role of Lifeboat. */
  readonly isHidden: boolean;
}

export interface EndedSessions {
  readonly ended: number;
  /** Came back behind the freeze, each once by role, address and application. */
  readonly returned: readonly OtherSession[];
  /** Ended, and not seen again; nothing keeps them out. */
  readonly mayReturn: readonly OtherSession[];
  /** Still there. */
  readonly remaining: readonly (OtherSession & { readonly problem?: string })[];
}

export interface SessionLooks {
  /** How long nothing may have come back until it counts as quiet. */
  readonly quietMs: number;
  readonly intervalMs: number;
  /** When it is given up to wait for quiet. */
  readonly patienceMs: number;
}

const looksDefault: SessionLooks = { quietMs: 2_000, intervalMs: 200, patienceMs: 6_000 };

// Client backends alone: never a replication stream, autovacuum, a background worker. Whoever sees no type may not end the session either.
const sql = `select a.pid, a.backend_start::text as start, a.datname::text as database,
    coalesce(a.usename::text, '?') as role,
    case when a.client_port = -1 then 'local' else host(a.client_addr) end as address,
    coalesce(a.application_name, '') as application,
    coalesce(a.backend_start > $3::timestamptz, false) as "isBack",
    coalesce(r.rolsuper, false) as "isSuperuser",
    coalesce(has_database_privilege(a.usesysid, a.datid, 'CONNECT'), false) as "mayReturn",
    a.backend_type is null as "isHidden"
  from pg_stat_activity a left join pg_roles r on r.oid = a.usesysid
  where a.datid = any($1::int8[]) and a.usesysid is not null and a.pid <> pg_backend_pid()
    and coalesce(a.backend_type, 'client backend') = 'client backend'
    and not (a.application_name ~ '^lifeboat( |$)' and a.usename = any($2::text[]))
  order by a.backend_start, a.pid`;

/** The moment on the clock of the server. */
export async function serverNow(session: Session): Promise<string> {
  const [row] = await session.rows<{ now: string }>('select clock_timestamp()::text as now');
  return (row as { now: string }).now;
}

/**
 * Ends every other session in the databases, and looks again until none has come back for a while. `closedAt` is the moment after which
 * nobody should have got in.
 */
export async function endOtherSessions(
  session: Session,
  where: {
    readonly databases: readonly number[];
    readonly ownRoles: readonly string[];
    readonly closedAt: string;
    readonly signal?: AbortSignal | undefined;
    readonly looks?: SessionLooks | undefined;
  },
): Promise<EndedSessions> {
  const { quietMs, intervalMs, patienceMs } = where.looks ?? looksDefault;
  const parameters = [where.databases, where.ownRoles, where.closedAt];
  const ended = new Map<string, OtherSession>();
  const problems = new Map<string, string>();
  const begun = performance.now();
  for (let quietSince = begun; ; await sleep(intervalMs, where.signal)) {
    const present = await session.rows<OtherSession>(sql, parameters);
    const now = performance.now();
    for (const each of present) {
      const key = keyOf(each);
      if (!ended.has(key) && !problems.has(key)) quietSince = now;
      const problem = await end(session, each);
      if (problem === undefined) ended.set(key, each);
      else problems.set(key, problem);
    }
    const waitsForNothing = present.every((each) => problems.has(keyOf(each)));
    const isQuiet = waitsForNothing && now - quietSince >= quietMs;
    if (!isQuiet && now - begun < patienceMs) continue;
    const all = [...ended.values()];
    const returned = distinct(all.filter(({ isBack }) => isBack));
    const remaining = present.filter((each) => problems.has(keyOf(each)) || !each.isBack);
    return {
      ended: ended.size,
      returned,
      mayReturn: distinct(all.filter((each) => each.mayReturn && !each.isBack)).filter(
        (each) => !returned.some((other) => clientOf(other) === clientOf(each)),
      ),
      remaining: remaining.map((each) => {
        const problem = problems.get(keyOf(each));
        return problem === undefined ? each : { ...each, problem };
      }),
    };
  }
}

async function end(session: Session, { pid, isHidden }: OtherSession): Promise<string | undefined> {
  if (isHidden) return 'the role of Lifeboat may not see what it is';
  try {
    await session.run('select pg_terminate_backend($1)', [pid]);
    return undefined;
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.query')) throw error;
    return error.message;
  }
}

function keyOf({ pid, start }: OtherSession): string {
  return `${pid} ${start}`;
}

function clientOf({ database, role, address, application }: OtherSession): string {
  return JSON.stringify([database, role, address, application]);
}

function distinct(sessions: readonly OtherSession[]): readonly OtherSession[] {
  return [...new Map(sessions.map((each) => [clientOf(each), each])).values()];
}
