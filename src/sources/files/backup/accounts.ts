import { readFileSync } from 'node:fs';
import { byteText, jsonText } from '../../../repository/thread.ts';

/** Names of users and groups, as they stood in /etc/passwd and /etc/group when the backup began. */
export interface Accounts {
  readonly users: ReadonlyMap<string, string>;
  readonly groups: ReadonlyMap<string, string>;
}

export function readAccounts(): Accounts {
  return { users: namesIn('/etc/passwd'), groups: namesIn('/etc/group') };
}

/** Remembers the text of each pair of owners: there are few. */
export class OwnerTexts {
  readonly #accounts: Accounts;
  readonly #texts = new Map<bigint, string>();

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  /** `"user":"x","group":"y",`, without those that have no name. */
  text(uid: bigint, gid: bigint): string {
    const key = (uid << 32n) | gid;
    let text = this.#texts.get(key);
    if (text === undefined) {
      const user = this.#accounts.users.get(String(uid));
      const group = this.#accounts.groups.get(String(gid));
      text = `${field('user', user)}${field('group', group)}`;
      this.#texts.set(key, text);
    }
    return text;
  }
}

function field(name: string, value: string | undefined): string {
  return value ? `"${name}":${byteText(jsonText(value))},` : '';
}

/** The first of several names of a number counts, as for getpwuid. */
function namesIn(file: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const line of readText(file).split('\n')) {
    const [name, , number] = line.split(':');
    if (name && number && !names.has(number)) names.set(number, name);
  }
  return names;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
