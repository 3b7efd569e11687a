import { LifeboatError } from '../../../core/index.ts';
import {
  type ClientPrograms,
  type ConnectionSettings,
  runClientProgram,
} from '../../../sources/index.ts';
import { openSession } from '../../rescue/session.ts';
import type { DatabaseDelivery } from '../ground.ts';
import { readProperties } from './database-properties.ts';

export interface DeliverDatabasesOptions {
  /** Of the private server that holds what was recovered. */
  readonly connection: ConnectionSettings;
  /** Of the major version of the server that they go to. */
  readonly programs: ClientPrograms;
  readonly databases: readonly string[];
  /** Folder that the programs are in, when the configuration names one. */
  readonly programsFolder?: string | undefined;
}

/** Databases of a private server as a delivery to a server that allows nothing but connections. */
export function deliverDatabases(options: DeliverDatabasesOptions): DatabaseDelivery {
  const { connection, programs, databases, programsFolder } = options;
  return Object.freeze({
    kind: 'databases',
    databases,
    ...(programsFolder === undefined ? {} : { programsFolder }),
    async properties(database, { signal } = {}) {
      await using session = await openSession(connection, signal);
      const found = await readProperties(session, database);
      if (found) return found;
      throw new LifeboatError('extract.missing', `there is no database ${database} to deliver`, {
        hint: 'Choose a restore point at which it was there.',
      });
    },
    async dump(database, file, { signal } = {}) {
      await runClientProgram({
        program: programs.pgDump,
        // Subscriptions of a copy have lost their connection.
        args: ['--format=custom', '--compress=1', `--file=${file}`, '--no-subscriptions'],
        connection: { ...connection, database },
        failure: 'dump.failed',
        signal,
      });
    },
  } satisfies DatabaseDelivery);
}
