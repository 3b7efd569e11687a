import { execFile } from 'node:child_process';
import { chown, lstat, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { fileError, LifeboatError } from '../../../core/index.ts';

const run = promisify(execFile);

/** The system account that a server we start runs as. */
export interface ServerAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * PostgreSQL refuses to run as root, so root hands servers to another account: the configured one, else
 * `lifeboat` where it exists, else `nobody`. Undefined: we are an ordinary user and run them ourselves.
 */
export async function chooseServerAccount(configured?: string): Promise<ServerAccount | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  if (configured !== undefined) {
    const account = await lookUp(configured);
    if (account && account.uid !== 0) return account;
    throw new LifeboatError(
      'config.invalid',
      account
        ? `the account ${configured} is root, and PostgreSQL refuses to run as root`
        : `there is no account ${configured} on this machine`,
      { hint: 'Name an unprivileged account that exists, or leave the option away.' },
    );
  }
  const account = (await lookUp('lifeboat')) ?? (await lookUp('nobody'));
  if (account && account.uid !== 0) return account;
  throw new LifeboatError('postgres.start-failed', 'no unprivileged account to run a server as', {
    hint: 'Create an account named lifeboat (useradd --system lifeboat), or run as an ordinary user.',
  });
}

async function lookUp(name: string): Promise<ServerAccount | undefined> {
  // `--` keeps a hostile name from being read as an option.
  const id = async (option: string) => Number((await run('id', [option, '--', name])).stdout);
  try {
    return { name, uid: await id('-u'), gid: await id('-g') };
  } catch {
    return undefined;
  }
}

/** Gives one file or folder to the account; without one (we are an ordinary user) nothing to do. */
export async function giveTo(account: ServerAccount | undefined, path: string): Promise<void> {
  if (account) await chown(path, account.uid, account.gid);
}

/** Gives a folder and all that is in it to the account. Never follows links. */
export async function giveTreeTo(
  account: ServerAccount | undefined,
  folder: string,
): Promise<void> {
  if (!account) return;
  await chown(folder, account.uid, account.gid);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await giveTreeTo(account, path);
    else if (entry.isFile()) await chown(path, account.uid, account.gid);
  }
}

/**
 * The first ancestor folder of `path` that the account may not pass through, or undefined when it can reach
 * it. Looks at permission bits only: an access control list may still say otherwise.
 */
export async function firstClosedFolder(
  account: ServerAccount | undefined,
  path: string,
): Promise<string | undefined> {
  if (!account) return undefined;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const facts = await stat(folder).catch((error) => {
      throw fileError(error, `could not look at ${folder}`);
    });
    const bit = facts.uid === account.uid ? 0o100 : facts.gid === account.gid ? 0o010 : 0o001;
    if ((facts.mode & bit) === 0) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** True when `path` is a real folder (no link) that belongs to the user we run as. */
export async function isOwnFolder(path: string): Promise<boolean> {
  const facts = await lstat(path).catch(() => undefined);
  return facts?.isDirectory() === true && facts.uid === process.geteuid?.();
}
