import { LifeboatError, type Progress, silentProgress } from '../../core/index.ts';
import type { BlobId, Repository, Snapshot } from '../../repository/index.ts';
import {
  type ConnectionSettings,
  type DumpDocument,
  type DumpOrigin,
  type DumpSource,
  findClientPrograms,
  pipeDump,
  quoteConnectionValue,
  readDumpDocument,
  startClientProgram,
} from '../../sources/index.ts';
import { requireSchemas, schemaArguments } from './dumped-schemas.ts';
import { makeSchemas, openTarget } from './target-server.ts';

export interface ExtractDumpOptions {
  readonly source: DumpSource;
  readonly repository: Repository;
  /** Default: the newest. */
  readonly snapshot?: Snapshot | undefined;
  readonly database: string;
  /** Default: all. */
  readonly schemas: readonly string[];
  readonly connection: ConnectionSettings;
  /** Owners and rights of the dump are left out: everything belongs to the loader. */
  readonly withoutOwners: boolean;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

export interface ExtractedDump {
  readonly database: string;
  readonly snapshot: string;
  /** The moment that the dump shows. */
  readonly time: string;
  readonly bytes: number;
}

/**
 * Loads a stored dump into a database, in one transaction, straight from the repository. Errors: `extract.missing`, `extract.failed` (the
 * target is as before), `repository.*`, `postgres.*`, `cancelled`.
 */
export async function extractDump(options: ExtractDumpOptions): Promise<ExtractedDump> {
  const { repository, signal, progress = silentProgress } = options;
  const snapshot = await chooseSnapshot(options);
  const document = await readDumpDocument(repository, snapshot);
  const dump = findDump(options, document);
  const node = await repository.findNode(snapshot.tree, dump.path);
  if (node?.content === undefined) {
    throw new LifeboatError('repository.damaged', `the snapshot holds no ${dump.path}`, {
      hint: 'Choose another snapshot of `lifeboat points`.',
    });
  }
  const { programsFolder } = options.source.settings;
  const programs = await findClientPrograms(
    Number.parseInt(document.clientVersion, 10),
    programsFolder ? { configuredFolder: programsFolder } : {},
  );
  await using target = await openTarget(options.connection, programs, signal);
  const read = () => readStored(repository, node.content as readonly BlobId[], signal);
  const { schemas } = options;
  await requireSchemas({ ...options, program: programs.pgRestore, dump: read() });
  await makeSchemas(target, schemas);
  const task = 'extract';
  progress({ type: 'begin', task, title: `loading ${dump.name} of ${dump.time}` });
  try {
    const load = startClientProgram({
      program: programs.pgRestore,
      args: loaderArguments(options, target.connection),
      connection: target.connection,
      failure: 'extract.failed',
      hint: `The target is as before${schemas.length > 0 ? ', but for the schema itself if there was none' : ''}. Roles that are missing there: \`lifeboat dump ${snapshot.id.slice(0, 8)} ${document.globals.path}\` has them all; or load with --without-owners.`,
      signal,
      ...(target.isReadOnly ? { serverOptions: '-c default_transaction_read_only=off' } : {}),
    });
    let done = 0;
    await pipeDump(read(), load, (bytes) => {
      done += bytes;
      progress({ type: 'progress', task, done, total: dump.bytes, unit: 'bytes' });
    });
    const { name, time } = dump;
    return Object.freeze({ database: name, snapshot: snapshot.id, time, bytes: done });
  } finally {
    progress({ type: 'end', task });
  }
}

async function chooseSnapshot({
  source,
  repository,
  snapshot,
  progress,
}: ExtractDumpOptions): Promise<Snapshot> {
  const all = await source.snapshots({ repository, ...(progress ? { progress } : {}) });
  const chosen = snapshot === undefined ? all[0] : all.find(({ id }) => id === snapshot.id);
  if (chosen) return chosen;
  throw new LifeboatError(
    'repository.snapshot-missing',
    snapshot === undefined
      ? `there is no snapshot of the source ${source.name}`
      : `snapshot ${snapshot.id.slice(0, 8)} is none of the source ${source.name}`,
    { hint: `List them with \`lifeboat points ${source.name}\`.` },
  );
}

function readStored(
  repository: Repository,
  content: readonly BlobId[],
  signal: AbortSignal | undefined,
): DumpOrigin {
  const stdout = repository.readFileContent(content, signal ? { signal } : {});
  return { stdout, ended: Promise.resolve(), kill: () => {} };
}

function findDump({ database }: ExtractDumpOptions, { databases }: DumpDocument) {
  const found = databases.find(({ name }) => name === database);
  if (found) return found;
  throw new LifeboatError(
    'extract.missing',
    `the snapshot holds no dump of the database ${JSON.stringify(database)}`,
    { hint: `It holds: ${databases.map(({ name }) => name).join(', ')}.` },
  );
}

function loaderArguments(
  { schemas, withoutOwners }: ExtractDumpOptions,
  target: ConnectionSettings,
): readonly string[] {
  return [
    '--single-transaction',
    '--exit-on-error',
    '--no-tablespaces',
    '--no-publications',
    '--no-subscriptions',
    ...(withoutOwners ? ['--no-owner', '--no-acl'] : []),
    ...schemaArguments(schemas),
    `--dbname=dbname=${quoteConnectionValue(target.database)}`,
  ];
}
