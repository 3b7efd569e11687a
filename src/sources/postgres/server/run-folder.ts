import { mkdtempSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileError, LifeboatError, writeFileDurably } from '../../../core/index.ts';
import { firstClosedFolder, giveTo, type ServerAccount } from './account.ts';
import { identifyProcess, type ProcessIdentity } from './process-identity.ts';

export const runFolderPrefix = 'lifeboat-run-';

/** What the next start of Lifeboat needs to know to clean up behind a killed one. */
export interface RunOwner {
  readonly format: 1;
  readonly owner: ProcessIdentity;
  /** Absent until the run says which; then no server has been started. */
  readonly dataFolder?: string;
  /** True for a scratch server: its data folder goes away with it. */
  readonly dataIsScratch: boolean;
}

/**
 * A short-named folder of one server run in the system's temporary folder: owner file, configuration, socket.
 * The folder belongs to us, only `socket` to the server's account, so the account cannot forge the owner file.
 */
export interface RunFolder extends AsyncDisposable {
  readonly path: string;
  /** Short enough for a Unix socket (107 bytes with the file's name). */
  readonly socketFolder: string;
  /** Says which data folder the run uses, before a server is started on it. */
  record(dataFolder: string, dataIsScratch: boolean): Promise<void>;
}

const socketPathLimitBytes = 107;

export async function createRunFolder(account: ServerAccount | undefined): Promise<RunFolder> {
  const owner = (await identifyProcess(process.pid)) ?? { pid: process.pid, started: '' };
  const path = createOwnedFolder(await temporaryRoot(account), owner);
  try {
    // Others may pass through, not look around.
    await chmod(path, account ? 0o711 : 0o700);
    const socketFolder = join(path, 's');
    await mkdir(socketFolder, { mode: 0o700 });
    await giveTo(account, socketFolder);
    return {
      path,
      socketFolder,
      async record(dataFolder, dataIsScratch) {
        const facts: RunOwner = { format: 1, owner, dataFolder, dataIsScratch };
        await writeFileDurably(ownerFile(path), JSON.stringify(facts));
      },
      async [Symbol.asyncDispose]() {
        await rm(path, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(path, { recursive: true, force: true });
    throw fileError(error, `could not prepare ${path}`);
  }
}

/** In one go, without returning to the event loop: a folder without an owner would stay for an hour if we were killed between the two. */
function createOwnedFolder(root: string, owner: ProcessIdentity): string {
  const facts: RunOwner = { format: 1, owner, dataIsScratch: false };
  try {
    const path = mkdtempSync(join(root, runFolderPrefix));
    writeFileSync(ownerFile(path), JSON.stringify(facts), { mode: 0o600 });
    return path;
  } catch (error) {
    throw fileError(error, 'could not make a temporary folder');
  }
}

export function ownerFile(runFolder: string): string {
  return join(runFolder, 'owner.json');
}

export function configurationFile(runFolder: string): string {
  return join(runFolder, 'postgresql.conf');
}

/** By this argument of a server it is known which run started it. */
export function configurationArgument(runFolder: string): string {
  return `config_file=${configurationFile(runFolder)}`;
}

/** Where run folders may lie: the system's temporary folder, or /tmp where that one does not do. */
export function temporaryRoots(): readonly string[] {
  return [...new Set([tmpdir(), '/tmp', '/var/tmp'])];
}

async function temporaryRoot(account: ServerAccount | undefined): Promise<string> {
  for (const root of temporaryRoots()) {
    const longest = join(root, `${runFolderPrefix}abcdef`, 's', '.s.PGSQL.65535.lock');
    if (Buffer.byteLength(longest) > socketPathLimitBytes) continue;
    const isFolder = await stat(root).then(
      (facts) => facts.isDirectory(),
      () => false,
    );
    if (isFolder && !(await firstClosedFolder(account, join(root, 'x')))) return root;
  }
  throw new LifeboatError('postgres.start-failed', 'no usable temporary folder for a server', {
    hint: 'Set TMPDIR to a folder with a short path that the account of the server can enter.',
  });
}
