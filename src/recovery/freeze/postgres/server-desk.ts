import { isLifeboatError, LifeboatError } from '../../../core/index.ts';
import {
  type AnySource,
  type ConnectionSettings,
  describeConnection,
  preferPrimary,
} from '../../../sources/index.ts';
import { openSession, type Session } from '../../rescue/session.ts';
import type { FrozenPlace } from '../freeze-record.ts';

/** Roles of the server that Lifeboat itself connects as. */
export interface OwnRole {
  readonly oid: number;
  readonly name: string;
  readonly isSuperuser: boolean;
}

/** A session that may change databases, whatever a freeze has done to them. */
export interface ServerDesk extends AsyncDisposable {
  readonly session: Session;
  readonly systemId: string;
  readonly isSuperuser: boolean;
  readonly place: FrozenPlace;
  /** With the one that this session has. */
  readonly ownRoles: readonly OwnRole[];
}

/** A database that takes no more sessions is no way in any more; templates are never frozen. */
const otherDoors = ['postgres', 'template1'];
const shutSqlStates = ['53300', '42501', '3D000'];

/** How a source writes to its server; undefined where there is none. */
export function connectionOf(source: AnySource): ConnectionSettings | undefined {
  if (source.kind === 'postgres') return source.rescueConnection;
  return source.kind === 'postgres-dump' ? source.settings.connection : undefined;
}

/** Errors: `postgres.unreachable`, `postgres.refused`, `postgres.query`, `freeze.incomplete` (it is a standby). */
export async function openServerDesk(
  source: AnySource & { readonly kind: 'postgres' | 'postgres-dump' },
  signal: AbortSignal | undefined,
): Promise<ServerDesk> {
  const settings = connectionOf(source) as ConnectionSettings;
  const session = await openByAnyDoor(settings, signal);
  try {
    // A frozen database gives its sessions read-only transactions, ours too.
    await session.run(
      "set default_transaction_read_only = off; set lock_timeout = '10s'; set statement_timeout = '60s'",
    );
    const [facts] = await session.rows<Facts>(factsSql);
    const { systemId, isStandby, isSuperuser } = facts as Facts;
    if (isStandby) throw standby(session);
    const users = [settings.user, source.settings.connection.user];
    const ownRoles = await session.rows<OwnRole>(ownRolesSql, [users]);
    return {
      session,
      systemId,
      isSuperuser,
      place: { text: session.place, fingerprint: systemId },
      ownRoles,
      [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
    };
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

interface Facts {
  readonly systemId: string;
  readonly isStandby: boolean;
  readonly isSuperuser: boolean;
}

const factsSql = `select system_identifier::text as "systemId", pg_is_in_recovery() as "isStandby",
  current_setting('is_superuser') = 'on' as "isSuperuser" from pg_control_system()`;

const ownRolesSql = `select oid::int8::float8 as oid, rolname::text as name, rolsuper as "isSuperuser"
  from pg_roles where rolname = any($1::text[]) or rolname = current_user order by oid`;

async function openByAnyDoor(
  wanted: ConnectionSettings,
  signal: AbortSignal | undefined,
): Promise<Session> {
  const settings = preferPrimary(
    // A frozen server calls itself read-only.
    wanted.targetSession === 'read-write' ? { ...wanted, targetSession: 'primary' } : wanted,
  );
  const doors = [settings.database, ...otherDoors.filter((each) => each !== settings.database)];
  let first: unknown;
  for (const database of doors) {
    try {
      return await openSession({ ...settings, database }, signal, 'lifeboat freeze');
    } catch (error) {
      first ??= error;
      const isShut =
        isLifeboatError(error) && shutSqlStates.includes(String(error.context.sqlstate));
      if (!isShut) break;
    }
  }
  throw first;
}

function standby(session: Session): LifeboatError {
  const place = describeConnection(session.settings);
  return new LifeboatError(
    'freeze.incomplete',
    `${place} is a standby: nothing can be frozen there`,
    {
      hint: 'Name the primary in the connection of the source, or of its `rescue`.',
    },
  );
}
