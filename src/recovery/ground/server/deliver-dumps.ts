import { copyFile, link } from 'node:fs/promises';
import { isLifeboatError, LifeboatError } from '../../../core/index.ts';
import {
  type ClientPrograms,
  type ConnectionSettings,
  startClientProgram,
} from '../../../sources/index.ts';
import type { DatabaseDelivery } from '../ground.ts';
import type { DatabaseProperties } from './database-properties.ts';
import { propertiesInDump } from './properties-in-dump.ts';

export interface DeliverDumpsOptions {
  /** Name of each database, and its `pg_dump` custom archive on this host. */
  readonly files: ReadonlyMap<string, string>;
  /** At least as new as the dumps. */
  readonly programs: ClientPrograms;
  /** Folder that these are in, when the configuration names one. */
  readonly programsFolder?: string | undefined;
  /** For the environment of programs alone; nothing is connected to. */
  readonly connection: ConnectionSettings;
}

/** Logical dumps that lie on this host, as a delivery to a server. */
export function deliverDumps(options: DeliverDumpsOptions): DatabaseDelivery {
  const { files, programs, programsFolder, connection } = options;
  const fileOf = (database: string): string => {
    const file = files.get(database);
    if (file !== undefined) return file;
    throw new LifeboatError('extract.missing', `there is no dump of ${database} to deliver`, {
      hint: 'Choose a snapshot that has it.',
    });
  };
  return Object.freeze({
    kind: 'databases',
    databases: [...files.keys()],
    ...(programsFolder === undefined ? {} : { programsFolder }),
    async properties(database, { signal } = {}): Promise<DatabaseProperties> {
      const args = ['--create', '--section=pre-data', '--file=-', fileOf(database)];
      const text = await beginOf(programs.pgRestore, args, connection, signal);
      return propertiesInDump(text);
    },
    async dump(database, file) {
      // It is only read there: a second name of the same file does, where that can be.
      await link(fileOf(database), file).catch(() => copyFile(fileOf(database), file));
    },
  } satisfies DatabaseDelivery);
}

/** What concerns the database itself stands at the beginning. */
const beginBytes = 64 * 1024;

async function beginOf(
  program: string,
  args: readonly string[],
  connection: ConnectionSettings,
  signal: AbortSignal | undefined,
): Promise<string> {
  const running = startClientProgram({
    program,
    args,
    connection,
    failure: 'ground.failed',
    signal,
  });
  running.stdin.end();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes < beginBytes) continue;
    running.kill();
    await running.ended.catch((error) => {
      if (isLifeboatError(error, 'cancelled')) throw error;
    });
    return Buffer.concat(chunks).toString('utf8');
  }
  await running.ended;
  return Buffer.concat(chunks).toString('utf8');
}
