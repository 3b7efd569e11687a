import { isLifeboatError, LifeboatError, type Progress, silentProgress } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import {
  type ClientPrograms,
  findClientPrograms,
  listPostgresSnapshots,
  openScratch,
  type PostgresSource,
  type RecoveryTarget,
  type ScratchServer,
  type WantedTables,
} from '../../sources/index.ts';
import { formatLsn } from '../../wal/index.ts';
import { endPrepared } from '../rescue/rescue-sessions.ts';
import { openSession, type Session } from '../rescue/session.ts';
import { adaptRights } from './adapt-rights.ts';
import { chooseParts } from './choose-parts.ts';
import { cutOutwardKeys, detachFromParents, dropTriggers, type LeftOut } from './cut-ties.ts';
import type { Destination, DumpFormat } from './destination.ts';
import { dumpSelection } from './dump-arguments.ts';
import { loadDump } from './load-dump.ts';
import { looseSequences } from './loose-sequences.ts';
import { moveAside } from './move-aside.ts';
import { requireWhole, wantedTables, whyWholeCopy } from './partial-copy.ts';
import type { ChosenParts, WantedParts } from './parts.ts';
import { requireNewFile, saveDump } from './save-dump.ts';
import { makeSchemas, openTarget, schemaExists, type TargetServer } from './target-server.ts';

export interface ExtractOptions {
  readonly source: PostgresSource;
  readonly repository: Repository;
  readonly target: RecoveryTarget;
  /** Full id of the snapshot to start from. Default: the newest that fits. */
  readonly base?: string;
  /** Along which timeline. Default: the newest that the log leads to. */
  readonly timeline?: number;
  readonly wanted: WantedParts;
  readonly destination: Destination;
  /** Restore the whole cluster at once, without trying less. */
  readonly wholeCopy?: boolean;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

export interface Extracted {
  readonly database: string;
  /** With the schema they have now. */
  readonly tables: readonly { readonly schema: string; readonly name: string }[];
  /** Of the dump. */
  readonly bytes: number;
  readonly reached: string;
  readonly snapshot: string;
  /** Version of pg_dump. */
  readonly client: string;
  /** How much of the snapshot was restored for it, and how large that is. */
  readonly restoredBytes: number;
  readonly snapshotBytes: number;
  /** What the parts had and the extract has not. */
  readonly leftOut: readonly LeftOut[];
}

/**
 * Takes a database, schemas or tables out of a moment: a private server is opened on a copy, the copy is changed into what the
 * destination can take, and pg_dump carries it over. Nothing that exists at the destination is changed: it gains everything in one
 * transaction, or one whole file, or nothing. First with a copy of only what is needed; where that leaves a doubt, or fails, with a
 * whole one. Errors: `extract.*`, `dump.failed`, `postgres.no-client-programs`, those of `openScratch`.
 */
export async function extractParts(options: ExtractOptions): Promise<Extracted> {
  const { progress = silentProgress } = options;
  // What would fail in the end fails before anything is restored.
  const programs = await clientPrograms(options, await newestMajor(options));
  await using place = await openDestination(options, programs);
  if (options.wholeCopy) return await extractFrom(options, place.target, undefined);
  try {
    return await extractFrom(options, place.target, wantedTables(options.wanted));
  } catch (error) {
    const reason = whyWholeCopy(error);
    if (reason === undefined) throw error;
    progress({
      type: 'warning',
      message: `a copy of only these parts will not do: ${reason}`,
      hint: 'The whole cluster is restored instead; this takes longer.',
    });
    return await extractFrom(options, place.target, undefined);
  }
}

async function extractFrom(
  options: ExtractOptions,
  target: TargetServer | undefined,
  only: WantedTables | undefined,
): Promise<Extracted> {
  const { source, destination, wanted, signal, progress = silentProgress } = options;
  // 1. A copy of the cluster at the moment. Ours alone, so it may be changed.
  await using scratch = await openScratch({
    ...(await source.recovery(options)),
    ...(options.base === undefined ? {} : { base: options.base }),
    ...(options.timeline === undefined ? {} : { timeline: options.timeline }),
    ...(only === undefined ? {} : { only }),
    progress,
  });
  const programs = await clientPrograms(options, majorOf(scratch.base.info.serverVersion));
  await using past = await openPast(scratch, wanted.database, signal);

  // 2. Into the shape that the destination can take.
  const chosen = await chooseParts(past, wanted);
  if (scratch.leftOut) await requireWhole(past, chosen, scratch.leftOut);
  const { parts, left } = await prepare(past, chosen, destination, target);

  // 3. Over.
  progress({ type: 'begin', task: 'extract', title: `extracting to ${describe(destination)}` });
  try {
    const bytes = await carry(options, parts, past, { programs, scratch, target });
    return Object.freeze({
      database: wanted.database,
      tables: parts.tables.map(({ schema, name }) => ({ schema, name })),
      bytes,
      reached: formatLsn(scratch.reachedLsn),
      snapshot: scratch.base.snapshot.id,
      client: programs.version,
      restoredBytes: scratch.restoredBytes,
      snapshotBytes: scratch.base.info.bytesTotal,
      leftOut: left,
    });
  } finally {
    progress({ type: 'end', task: 'extract' });
  }
}

async function newestMajor({ repository, source, progress }: ExtractOptions): Promise<number> {
  const [newest] = await listPostgresSnapshots(repository, source.name, progress ?? silentProgress);
  // Without one the recovery says what is missing.
  return majorOf(newest?.info.serverVersion ?? 130_000);
}

function majorOf(serverVersion: number): number {
  return Math.floor(serverVersion / 10_000);
}

async function clientPrograms({ source }: ExtractOptions, major: number): Promise<ClientPrograms> {
  const { programsFolder } = source.settings;
  return await findClientPrograms(
    major,
    programsFolder ? { configuredFolder: programsFolder } : {},
  );
}

interface Place extends AsyncDisposable {
  readonly target: TargetServer | undefined;
}

async function openDestination(
  { destination, wanted, signal }: ExtractOptions,
  programs: ClientPrograms,
): Promise<Place> {
  if (destination.kind === 'file') {
    await requireNewFile(destination.path);
    return { target: undefined, async [Symbol.asyncDispose]() {} };
  }
  const { connection } = destination;
  const database = destination.kind === 'side' ? wanted.database : connection.database;
  const target = await openTarget({ ...connection, database }, programs, signal);
  try {
    if (destination.kind === 'side') await requireNewSchema(target, destination.schema);
    return { target, [Symbol.asyncDispose]: () => target[Symbol.asyncDispose]() };
  } catch (error) {
    await target[Symbol.asyncDispose]();
    throw error;
  }
}

async function requireNewSchema(target: TargetServer, schema: string): Promise<void> {
  if (!(await schemaExists(target, schema))) return;
  throw new LifeboatError(
    'extract.exists',
    `${target.session.place} has a schema ${JSON.stringify(schema)} already`,
    { hint: 'Nothing is ever replaced: name another schema, or drop that one yourself.' },
  );
}

async function openPast(
  scratch: ScratchServer,
  database: string,
  signal: AbortSignal | undefined,
): Promise<Session> {
  let session: Session;
  try {
    session = await openSession(scratch.connection(database), signal);
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.refused')) throw error;
    throw new LifeboatError(
      'extract.missing',
      `there was no database ${JSON.stringify(database)} at that moment`,
      { hint: 'Name another one with --database.', cause: error },
    );
  }
  // The copied database may be frozen, and may have event triggers: neither must stand in our way.
  await session.run(
    'set default_transaction_read_only = off; set session_replication_role = replica',
  );
  await endPrepared(session);
  return session;
}

async function prepare(
  past: Session,
  chosen: ChosenParts,
  destination: Destination,
  target: TargetServer | undefined,
): Promise<{ parts: ChosenParts; left: readonly LeftOut[] }> {
  if (destination.kind === 'file' || target === undefined) {
    const left = await detachFromParents(past, chosen);
    return { parts: chosen, left: [...left, ...(await cutOutwardKeys(past, chosen, true))] };
  }
  const isSide = destination.kind === 'side';
  const { parts, left } = isSide
    ? await moveAside(past, chosen, destination.schema, target.roles.loader)
    : { parts: chosen, left: [] };
  const cut = [...left, ...(await detachFromParents(past, parts))];
  cut.push(...(await cutOutwardKeys(past, parts, false)));
  // Of whole schemas in another server the triggers find their functions; of single tables they may not.
  if (isSide || parts.scope === 'tables') cut.push(...(await dropTriggers(past, parts)));
  cut.push(...(await adaptRights(past, parts, target.roles)));
  return { parts, left: cut };
}

async function carry(
  { destination, signal, progress = silentProgress }: ExtractOptions,
  parts: ChosenParts,
  past: Session,
  to: { programs: ClientPrograms; scratch: ScratchServer; target: TargetServer | undefined },
): Promise<number> {
  const sequences = parts.scope === 'tables' ? await looseSequences(past, parts) : [];
  const common = {
    programs: to.programs,
    past: to.scratch.connection(past.client.database ?? ''),
    selection: dumpSelection(parts, sequences),
    estimatedBytes: parts.tables.reduce((sum, { bytes }) => sum + bytes, 0),
    signal,
    progress,
  };
  if (destination.kind === 'file' || to.target === undefined) {
    const { path, format } = destination as { path: string; format: DumpFormat };
    return await saveDump({ ...common, path, format });
  }
  const { connection, isReadOnly } = to.target;
  if (destination.kind === 'server' && parts.scope === 'tables') {
    await makeSchemas(to.target, parts.schemas);
  }
  const hint =
    destination.kind === 'side'
      ? 'Nothing was changed. If a type or function is missing, it was dropped since: extract its schema with --schema instead.'
      : 'The target is as before. If a type or function is missing there, extract the schema or the database instead, or create it first.';
  return await loadDump({ ...common, target: connection, isReadOnly, hint });
}

function describe(destination: Destination): string {
  switch (destination.kind) {
    case 'file':
      return destination.path;
    case 'server':
      return destination.connection.database;
    case 'side':
      return `the schema ${destination.schema}`;
  }
}
