import type { AnySource } from '../../sources/index.ts';
import type { FreezeDraft } from './freeze-draft.ts';
import type { FrozenDatabase } from './freeze-record.ts';
import type { FreezeRequest } from './freeze-request.ts';
import { closingStatements, roleNames } from './postgres/alter-database.ts';
import { changeOf } from './postgres/database-change.ts';
import { type DatabaseState, readDatabases } from './postgres/database-state.ts';
import { compareWithBackup } from './postgres/same-as-backup.ts';
import type { ServerDesk } from './postgres/server-desk.ts';
import type { ServerDesks } from './postgres/server-desks.ts';

/** The databases of the sources, as they are now, and what closes each. */
export async function lookAtDatabases(
  request: FreezeRequest,
  draft: FreezeDraft,
  desks: ServerDesks,
): Promise<void> {
  for (const name of request.databases ?? request.sources) {
    await draft.attempt({ kind: 'server', source: name, what: `${name} cannot be frozen` }, () =>
      lookAt(name, request, draft, desks),
    );
  }
}

/** Which databases of its server a freeze of the source closes; undefined: it has no server. */
export async function databasesToClose(
  name: string,
  request: FreezeRequest,
  desks: ServerDesks,
): Promise<ToClose | undefined> {
  const source = await request.surroundings.source(name, 'rescue');
  if (source.kind !== 'postgres' && source.kind !== 'postgres-dump') return undefined;
  const desk = await desks.of(source.name);
  const all = await readDatabases(desk.session);
  const wanted = source.kind === 'postgres-dump' ? source.settings.databases : undefined;
  const databases = all.filter((each) => wanted?.includes(each.name) ?? true);
  return { source, desk, all, databases };
}

interface ToClose {
  readonly source: AnySource;
  readonly desk: ServerDesk;
  readonly all: readonly DatabaseState[];
  readonly databases: readonly DatabaseState[];
}

async function lookAt(
  name: string,
  request: FreezeRequest,
  draft: FreezeDraft,
  desks: ServerDesks,
): Promise<void> {
  const found = await databasesToClose(name, request, desks);
  if (found === undefined) return;
  const { source, desk, all, databases } = found;
  draft.place(`server of ${source.name}`, {
    text: `${desk.place.text}, cluster ${desk.systemId}, databases ${databases.map(({ name }) => name).join(', ')}`,
    fingerprint: desk.systemId,
  });
  const names = all.map(({ name }) => name);
  const { systemId } = desk;
  const note = await compareWithBackup(request, source, { systemId, databases: names });
  if (note !== undefined) draft.notes.push(note);
  const roles = await roleNames(desk.session);
  for (const state of databases) lookAtOne(source.name, state, desk, roles, draft);
}

function lookAtOne(
  source: string,
  state: DatabaseState,
  desk: ServerDesk,
  roles: ReadonlyMap<number, string>,
  draft: FreezeDraft,
): void {
  const { systemId, ownRoles, place } = desk;
  const known = draft.find(
    'database',
    (item) => item.systemId === systemId && item.oid === state.oid,
  );
  const change = changeOf(state, ownRoles, known?.change);
  if (known !== undefined) {
    // Seen where its source is: it is none that this has left.
    const { isFormer: _, ...item } = known;
    draft.put({ ...item, sources: [source], change });
    return;
  }
  if (!state.mayAlter) {
    draft.gaps.push({
      kind: 'right',
      source,
      what: `the role of Lifeboat may not close the database ${state.name}: it belongs to ${state.ownerName}`,
      remedy: `Run this as a superuser or as ${state.ownerName}, or give Lifeboat that role as \`rescue\` of the source.`,
      sql: closingStatements(state, change, roles).map((each) => `${each};`),
    });
    return;
  }
  const name = `database ${state.name} of ${source}`;
  const isTaken = draft.items.some((item) => item.name === name);
  const item: FrozenDatabase = {
    kind: 'database',
    name: isTaken ? `${name} (cluster ${systemId}, oid ${state.oid})` : name,
    source,
    sources: [source],
    place,
    intent: `make the database ${state.name} read-only, and refuse connections but those of Lifeboat`,
    state: 'planned',
    systemId,
    oid: state.oid,
    database: state.name,
    former: { readOnly: state.readOnly, acl: state.acl, connectionLimit: state.connectionLimit },
    change,
  };
  draft.put(item);
}
