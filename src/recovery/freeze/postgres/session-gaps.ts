import type { FreezeGap } from '../freeze-record.ts';
import type { EndedSessions, OtherSession } from './other-sessions.ts';

/** Who still writes, or may: in words, with what to do. */
export function sessionGaps(
  source: string,
  { returned, mayReturn, remaining }: EndedSessions,
): readonly FreezeGap[] {
  return [
    ...returned.map((each) => gap(source, each, 'came back behind the freeze', keepOut(each))),
    ...mayReturn.map((each) => gap(source, each, 'was ended and may come back', keepOut(each))),
    ...remaining.map((each) => ({
      ...gap(
        source,
        each,
        `could not be ended${each.problem === undefined ? '' : `: ${each.problem}`}`,
        'Let a superuser end it, or GRANT pg_signal_backend and pg_read_all_stats to the role of Lifeboat.',
      ),
      sql: [`SELECT pg_terminate_backend(${each.pid});`],
    })),
  ];
}

function gap(source: string, session: OtherSession, fact: string, remedy: string): FreezeGap {
  return { kind: 'session', source, what: `${describe(session)} ${fact}`, remedy };
}

/** `a session of app from 10.0.0.7 (pgbouncer) in shop`. */
function describe({ role, address, application, database }: OtherSession): string {
  const from =
    address === 'local' ? ' over a socket of the host' : ` from ${address ?? 'somewhere'}`;
  const program = application === '' ? '' : ` (${application})`;
  return `a session of ${role}${from}${program} in ${database}`;
}

function keepOut({ isSuperuser, role }: OtherSession): string {
  const why = isSuperuser
    ? `${role} is a superuser: rights and limits do not bind it`
    : `${role} may still connect, by a role of Lifeboat or of the owner`;
  return `${why}. Stop its service (name it under \`services\` with what it writes), or refuse it in pg_hba.conf and reload the server.`;
}
