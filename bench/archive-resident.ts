// The resident half of archive_command and restore_command alone: node archive-resident.ts REPOSITORY FOLDER
import { Secret } from '../src/core/index.ts';
import { LocalLocation, openRepository } from '../src/repository/index.ts';
import { installArchive } from '../src/sources/postgres/archive/archive-folder.ts';
import { serveArchive } from '../src/sources/postgres/archive/archive-server.ts';
import { chooseServerAccount } from '../src/sources/postgres/server/index.ts';

const [repositoryFolder, folder] = process.argv.slice(2) as [string, string];
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const location = new LocalLocation(repositoryFolder);
await using repository = await openRepository({ location, password: new Secret('benchmark') });
await installArchive(folder, await chooseServerAccount('nobody'));
await serveArchive({
  log: repository.log('database'),
  folder,
  signal: stop.signal,
  onOutcome: ({ error }) => {
    if (error !== undefined) throw error;
  },
});
