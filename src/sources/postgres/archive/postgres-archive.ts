import type { SourceArchive } from '../../source.ts';
import { chooseServerAccount } from '../server/index.ts';
import { installArchive } from './archive-folder.ts';
import { serveArchive } from './archive-server.ts';

export interface ArchiveSettings {
  /** Where the clients of the server and the resident process meet. */
  readonly folder: string;
  /** The account of the database server, when we are root. Default: postgres. */
  readonly account?: string;
  /** No slot: WAL comes by `archive_command` alone. */
  readonly isAlone?: boolean;
}

/** The archive of a source. */
export function postgresArchive(source: string, settings: ArchiveSettings): SourceArchive {
  return {
    isAlone: settings.isAlone ?? false,
    async serve({ repository, signal = new AbortController().signal, onOutcome }) {
      await prepareArchive(settings);
      const log = repository.log(source);
      await serveArchive({ log, folder: settings.folder, signal, onOutcome });
    },
  };
}

/** Makes the folder with the client in it, for the account of the server. */
export async function prepareArchive({ folder, account }: ArchiveSettings): Promise<void> {
  await installArchive(folder, await chooseServerAccount(account ?? 'postgres'));
}
