import type { ConnectGrant, DatabaseChange, FrozenDatabase } from '../freeze-record.ts';
import { type DatabaseState, isOn, sameGrant } from './database-state.ts';
import type { OwnRole } from './server-desk.ts';

/**
 * A backup beside the stream takes five; a plan that looks, proves and rescues takes some more. Without a superuser of ours there must
 * be room for them, with one there need not be: the limit does not bind it.
 */
const roomForUs = 10;

/** What closes a database to everybody but us, on top of what a former freeze has changed already. */
export function changeOf(
  state: DatabaseState,
  ownRoles: readonly OwnRole[],
  former: DatabaseChange | undefined,
): DatabaseChange {
  const limited = ownRoles.filter(({ isSuperuser }) => !isSuperuser);
  const isOurs = (grant: ConnectGrant) =>
    grant.grantor === state.owner && ownRoles.some(({ oid }) => oid === grant.grantee);
  const revoke = leavesFirst(state.connects.filter((grant) => !isOurs(grant)));
  const news = revoke.filter((each) => !former?.revoke.some((old) => sameGrant(old, each)));
  const grant = limited
    .map(({ oid }) => oid)
    .filter((oid) => !state.connects.some((each) => isOurs(each) && each.grantee === oid));
  const limit = limited.length === 0 ? 0 : roomForUs;
  const { connectionLimit: now } = state;
  const isTooWide = now < 0 || now > limit;
  const limitChange = isTooWide ? limit : former?.connectionLimit;
  return {
    setReadOnly: former?.setReadOnly === true || !isOn(state.readOnly),
    revoke: [...(former?.revoke ?? []), ...news],
    grant: [...new Set([...(former?.grant ?? []), ...grant])],
    ...(limitChange === undefined ? {} : { connectionLimit: limitChange }),
  };
}

/** Who passed a right on cannot lose it before those who have it from there. */
function leavesFirst(grants: readonly ConnectGrant[]): readonly ConnectGrant[] {
  const left = [...grants];
  const ordered: ConnectGrant[] = [];
  while (left.length > 0) {
    const free = left.findIndex(
      (each) => !left.some((other) => other !== each && other.grantor === each.grantee),
    );
    // A circle cannot be made by GRANT; one in a damaged catalog must not hang us.
    ordered.push(...left.splice(Math.max(0, free), 1));
  }
  return ordered;
}

type NameOf = (oid: number) => string | undefined;

/** SQL that makes of `state` what the change wants, nothing where that is so already. Names quoted; without role names what cannot be said is left out. */
export function closingSql(
  state: DatabaseState,
  change: DatabaseChange,
  nameOf: NameOf,
  quote: (name: string) => string,
): readonly string[] {
  const database = quote(state.name);
  const toRole = (oid: number) => roleText(oid, nameOf, quote);
  const revoke = change.revoke
    .filter((each) => state.connects.some((present) => sameGrant(present, each)))
    .flatMap((each) =>
      asGrantor(
        each,
        state,
        toRole,
        (role) => `REVOKE CONNECT ON DATABASE ${database} FROM ${role}`,
      ),
    );
  const grant = change.grant
    .filter((oid) => !hasFromOwner(state, oid))
    .flatMap((oid) => {
      const role = toRole(oid);
      return role === undefined ? [] : [`GRANT CONNECT ON DATABASE ${database} TO ${role}`];
    });
  const { connectionLimit: limit } = change;
  return [
    ...(change.setReadOnly && !isOn(state.readOnly)
      ? [`ALTER DATABASE ${database} SET default_transaction_read_only = on`]
      : []),
    // Ours first: between the two nobody else can come in, and we are never without the right.
    ...grant,
    ...revoke,
    ...(limit !== undefined && state.connectionLimit !== limit
      ? [`ALTER DATABASE ${database} CONNECTION LIMIT ${limit}`]
      : []),
  ];
}

export interface Reopening {
  /** Each part stands for itself: one that is refused need not keep the others. */
  readonly parts: readonly (readonly string[])[];
  /** What was found to be neither as it was nor as the freeze made it: somebody's since, and left. */
  readonly notes: readonly string[];
}

/** SQL that takes the change back, as far as it stands. */
export function reopeningSql(
  state: DatabaseState,
  { change, former }: Pick<FrozenDatabase, 'change' | 'former'>,
  nameOf: NameOf,
  quote: (name: string) => string,
  quoteValue: (text: string) => string,
): Reopening {
  const database = quote(state.name);
  const toRole = (oid: number) => roleText(oid, nameOf, quote);
  const parts: (readonly string[])[] = [];
  const notes: string[] = [];
  if (change.setReadOnly && isOn(state.readOnly)) {
    parts.push([
      former.readOnly === null
        ? `ALTER DATABASE ${database} RESET default_transaction_read_only`
        : `ALTER DATABASE ${database} SET default_transaction_read_only = ${quoteValue(former.readOnly)}`,
    ]);
  } else if (change.setReadOnly && state.readOnly !== former.readOnly) {
    const now = state.readOnly ?? 'not set';
    notes.push(
      `default_transaction_read_only of ${state.name} was changed since to ${now}: it stays`,
    );
  }
  const limit = change.connectionLimit;
  if (limit !== undefined && state.connectionLimit === limit) {
    parts.push([`ALTER DATABASE ${database} CONNECTION LIMIT ${former.connectionLimit}`]);
  } else if (limit !== undefined && state.connectionLimit !== former.connectionLimit) {
    notes.push(
      `the connection limit of ${state.name} was changed since to ${state.connectionLimit}: it stays`,
    );
  }
  for (const each of change.revoke.toReversed()) {
    const present = state.connects.find((other) => sameGrant(other, each));
    if (present && (present.isGrantable || !each.isGrantable)) continue;
    const option = each.isGrantable && each.grantee !== state.owner ? ' WITH GRANT OPTION' : '';
    const statements = asGrantor(
      each,
      state,
      toRole,
      (role) => `GRANT CONNECT ON DATABASE ${database} TO ${role}${option}`,
    );
    if (statements.length === 0) {
      notes.push(`a role that might connect to ${state.name} no longer exists`);
    }
    if (statements.length > 0) parts.push(statements);
  }
  for (const oid of change.grant) {
    const role = toRole(oid);
    if (role === undefined || !hasFromOwner(state, oid)) continue;
    parts.push([`REVOKE CONNECT ON DATABASE ${database} FROM ${role}`]);
  }
  return { parts, notes };
}

function hasFromOwner(state: DatabaseState, oid: number): boolean {
  return state.connects.some((each) => each.grantor === state.owner && each.grantee === oid);
}

function roleText(oid: number, nameOf: NameOf, quote: (name: string) => string) {
  if (oid === 0) return 'PUBLIC';
  const name = nameOf(oid);
  return name === undefined ? undefined : quote(name);
}

/** A right is given and taken by who gave it; what the owner gave, by any who may act as the owner. */
function asGrantor(
  grant: ConnectGrant,
  { owner }: DatabaseState,
  toRole: (oid: number) => string | undefined,
  statement: (role: string) => string,
): readonly string[] {
  const [grantee, grantor] = [toRole(grant.grantee), toRole(grant.grantor)];
  if (grantee === undefined || grantor === undefined) return [];
  if (grant.grantor === owner) return [statement(grantee)];
  return [`SET LOCAL ROLE ${grantor}`, statement(grantee), 'RESET ROLE'];
}
