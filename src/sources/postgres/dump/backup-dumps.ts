import { formatBytes, silentProgress } from '../../../core/index.ts';
import type { BackupWriter, BlobId, Snapshot, TreeNode } from '../../../repository/index.ts';
import type { BackupSummary, SourceContext } from '../../source.ts';
import { tagsOf } from '../../source-tags.ts';
import { type ConnectionSettings, describeConnection } from '../connection-settings.ts';
import { connectSql } from '../sql-connection.ts';
import { startClientProgram } from './client-program.ts';
import { quoteConnectionValue } from './connection-value.ts';
import { dumpDatabase } from './dump-database.ts';
import { type DumpDocument, globalsPath } from './dump-document.ts';
import { type DumpFacts, readDumpFacts } from './dump-facts.ts';
import { type ClientPrograms, findClientPrograms } from './find-client-programs.ts';
import { type SavedStream, saveStream } from './save-stream.ts';

export interface BackupDumpsOptions extends SourceContext {
  readonly source: string;
  readonly connection: ConnectionSettings;
  /** Default: all. */
  readonly databases?: readonly string[] | undefined;
  readonly programsFolder?: string | undefined;
  readonly former?: Snapshot | undefined;
}

/**
 * One snapshot of logical dumps: each database in a file of its own, and what belongs to all (roles, their rights, tablespaces). A program
 * that fails publishes nothing. Errors: `dump.failed`, `postgres.no-client-programs`, `postgres.*`, those of the repository.
 */
export async function backupDumps(options: BackupDumpsOptions): Promise<BackupSummary> {
  const { source, repository, signal, lockWaitMs } = options;
  const progress = options.progress ?? silentProgress;
  const begunMs = performance.now();
  const aborting = signal ? { signal } : {};
  let connection: ConnectionSettings;
  let facts: DumpFacts;
  {
    await using session = await connectSql(options.connection, aborting);
    // Where the URL names several servers, all dumps come from the same one.
    connection = session.settings;
    facts = await readDumpFacts(session, options.databases);
  }
  const { programsFolder } = options;
  const programs = await findClientPrograms(
    Math.floor(facts.version / 10_000),
    programsFolder ? { configuredFolder: programsFolder } : {},
  );
  const task = 'dump';
  progress({ type: 'begin', task, title: `dumping ${source} (${describeConnection(connection)})` });
  let summary = 'failed';
  try {
    const waiting = lockWaitMs === undefined ? {} : { lockWaitMs };
    await using writer = await repository.startBackup({ progress, ...aborting, ...waiting });
    const total = facts.databases.reduce((sum, { bytes }) => sum + bytes, 0);
    let done = 0;
    const onBytes = (detail: string) => (bytes: number) => {
      done += bytes;
      const known = Math.max(done, total);
      progress({ type: 'progress', task, done, total: known, unit: 'bytes', detail });
    };

    const dumps: Dumped[] = [];
    for (const { name } of facts.databases) {
      const common = { connection, database: name, programs, writer, signal };
      const saved = await dumpDatabase({ ...common, onBytes: onBytes(name) });
      dumps.push({ name, file: `${encodeURIComponent(name)}.dump`, ...saved });
    }
    const globals = await dumpGlobals({ ...options, connection }, programs, writer, facts);

    const document = documentOf(options, facts, programs, dumps);
    const text = Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
    const about = {
      content: [(await writer.saveData(new Uint8Array(text))).id],
      sizeBytes: text.length,
    };
    const filesTotal = dumps.length + 2;
    const bytesTotal = [...dumps, globals, about].reduce((sum, each) => sum + each.sizeBytes, 0);
    const snapshot = await writer.publishSnapshot({
      time: new Date(),
      tree: await saveTrees(writer, dumps, globals, about),
      paths: [`/lifeboat/${source}`],
      tags: tagsOf('postgres-dump', source),
      ...(options.former ? { parent: options.former.id } : {}),
      filesTotal,
      bytesTotal,
    });
    const { bytesNew, bytesStored } = writer.totals();
    summary = `${formatBytes(bytesTotal)}, ${formatBytes(bytesStored)} stored`;
    return {
      source,
      snapshot,
      bytesTotal,
      bytesNew,
      bytesStored,
      filesTotal,
      durationMs: Math.round(performance.now() - begunMs),
      warnings: writer.warnings,
    };
  } finally {
    progress({ type: 'end', task, summary });
  }
}

interface Dumped extends SavedStream {
  readonly name: string;
  readonly file: string;
  readonly time: string;
  readonly lsn?: string;
}

async function dumpGlobals(
  { connection, signal }: BackupDumpsOptions,
  programs: ClientPrograms,
  writer: BackupWriter,
  { readsPasswords }: DumpFacts,
): Promise<SavedStream> {
  const dump = startClientProgram({
    program: programs.pgDumpall,
    args: [
      '--globals-only',
      // As a connection string, so that no name of a database is taken for one.
      `--dbname=dbname=${quoteConnectionValue(connection.database)}`,
      ...(readsPasswords ? [] : ['--no-role-passwords']),
    ],
    connection,
    failure: 'dump.failed',
    hint: 'Nothing was published. pg_dumpall reads roles and tablespaces from the catalogs.',
    signal,
  });
  dump.stdin.end();
  try {
    const saved = await saveStream(writer, dump.stdout as AsyncIterable<Buffer>, () => {});
    await dump.ended;
    return saved;
  } finally {
    dump.kill();
    await dump.ended.catch(() => {});
  }
}

function documentOf(
  { source }: BackupDumpsOptions,
  facts: DumpFacts,
  programs: ClientPrograms,
  dumps: readonly Dumped[],
): DumpDocument {
  return {
    format: 1,
    source,
    serverVersion: facts.version,
    clientVersion: programs.version,
    databases: dumps.map(({ name, file, time, lsn, sizeBytes }) => ({
      name,
      path: `/databases/${file}`,
      time,
      ...(lsn === undefined ? {} : { lsn }),
      bytes: sizeBytes,
    })),
    globals: { path: globalsPath, withoutPasswords: !facts.readsPasswords },
  };
}

async function saveTrees(
  writer: BackupWriter,
  dumps: readonly Dumped[],
  globals: SavedStream,
  about: SavedStream,
): Promise<BlobId> {
  const now = BigInt(Date.now()) * 1_000_000n;
  const owner = { mtimeNs: now, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const file = (name: string, { content, sizeBytes }: SavedStream): TreeNode => {
    return { name, type: 'file', mode: 0o600, ...owner, content, sizeBytes };
  };
  const folder = async (name: string, nodes: readonly TreeNode[]): Promise<TreeNode> => {
    const subtree = await writer.saveTree(nodes);
    return { name, type: 'dir', mode: 0o700, ...owner, subtree };
  };
  return await writer.saveTree([
    await folder(
      'databases',
      dumps.map((each) => file(each.file, each)),
    ),
    file('globals.sql', globals),
    await folder('lifeboat', [file('dump.json', about)]),
  ]);
}
