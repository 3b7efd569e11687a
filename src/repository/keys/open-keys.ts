import { isLifeboatError, LifeboatError, type Secret } from '../../core/index.ts';
import { parseGoTime } from '../format/go-time.ts';
import { optionalText, parseObject } from '../format/json-shape.ts';
import { encodeKeyFile, openKeyFile, parseKeyFile } from '../format/key-file.ts';
import { RepositoryLock } from '../lock/repository-lock.ts';
import type { OperationOptions } from '../repository.ts';
import { type RepositoryAccess, sha256 } from '../stored-file.ts';
import type { KeyInfo, NewKeyOptions, RepositoryKeys } from './keys.ts';
import { maxKeysTried } from './keys-tried.ts';

/** `current` is the name of the key file that opened the repository. */
export function openKeys(access: RepositoryAccess, current: string): RepositoryKeys {
  return new StoredKeys(access, current);
}

class StoredKeys implements RepositoryKeys {
  readonly #access: RepositoryAccess;
  #current: string;

  constructor(access: RepositoryAccess, current: string) {
    this.#access = access;
    this.#current = current;
  }

  async list({ signal }: OperationOptions = {}): Promise<readonly KeyInfo[]> {
    const infos: KeyInfo[] = [];
    for (const { name } of await this.#access.location.list('keys', signal)) {
      const info = await this.#read(name, signal);
      if (info) infos.push(info);
    }
    return infos.sort((a, b) => (a.created?.getTime() ?? 0) - (b.created?.getTime() ?? 0));
  }

  async add(password: Secret, options: NewKeyOptions = {}): Promise<string> {
    await using lock = await this.#lock(false, 'key add', options);
    const keys = await this.#access.location.list('keys', options.signal);
    if (keys.length >= maxKeysTried) {
      throw new LifeboatError('key.refused', `there are ${keys.length} keys already`, {
        hint: `Programs try ${maxKeysTried} keys when they open a repository; with more some would never be tried. Remove one first.`,
      });
    }
    return await this.#add(password, lock, options);
  }

  async remove(idOrPrefix: string, options: OperationOptions = {}): Promise<string> {
    await using lock = await this.#lock(true, 'key remove', options);
    const keys = await this.list(options);
    const [key, other] = keys.filter(({ id }) => id.startsWith(idOrPrefix));
    if (key === undefined || other !== undefined) {
      throw new LifeboatError(
        'key.missing',
        `${key ? 'several keys begin' : 'no key begins'} with ${idOrPrefix}`,
        { hint: 'List them with `lifeboat key list`.' },
      );
    }
    if (key.isCurrent) {
      throw refused(
        `key ${key.id.slice(0, 8)} opened the repository just now`,
        'Open it with another password to remove this one, or change it with `lifeboat key passwd`.',
      );
    }
    if (!keys.some(({ id, problem }) => id !== key.id && problem === undefined)) {
      throw refused(
        `key ${key.id.slice(0, 8)} is the last one`,
        'Without a key nothing can be read any more. Add another one first.',
      );
    }
    await lock.confirmHeld(options.signal);
    await this.#access.location.remove('keys', key.id, options.signal);
    return key.id;
  }

  async changePassword(password: Secret, options: NewKeyOptions = {}): Promise<string> {
    await using lock = await this.#lock(true, 'key passwd', options);
    const added = await this.#add(password, lock, options);
    const former = this.#current;
    await lock.confirmHeld(options.signal);
    await this.#access.location.remove('keys', former, options.signal);
    this.#current = added;
    return added;
  }

  async #add(password: Secret, lock: RepositoryLock, options: NewKeyOptions): Promise<string> {
    const { location, masterKey } = this.#access;
    const { signal } = options;
    const bytes = Buffer.from(await encodeKeyFile(masterKey, password, options));
    const name = sha256(bytes);
    await lock.confirmHeld(signal);
    await location.write('keys', name, bytes, signal);
    // It counts only when what is stored opens: nobody finds out later that it does not.
    try {
      const stored = await location.read('keys', name, undefined, signal);
      const opened = await openKeyFile(Buffer.from(stored).toString('utf8'), password);
      const isSame =
        opened !== undefined &&
        (['encrypt', 'macK', 'macR'] as const).every(
          (part) => Buffer.compare(opened[part], masterKey[part]) === 0,
        );
      if (isSame) return name;
      throw new LifeboatError('repository.damaged', `the new key ${name} does not open`, {
        hint: 'It was removed again; the passwords so far are as they were. Check the storage.',
      });
    } catch (error) {
      await location.remove('keys', name).catch(() => {});
      throw error;
    }
  }

  async #read(name: string, signal: AbortSignal | undefined): Promise<KeyInfo | undefined> {
    const isCurrent = name === this.#current;
    const unreadable = { username: '', hostname: '', created: undefined };
    try {
      const bytes = await this.#access.location.read('keys', name, undefined, signal);
      if (sha256(bytes) !== name) {
        return { id: name, ...unreadable, isCurrent, problem: 'its bytes do not match its name' };
      }
      const json = Buffer.from(bytes).toString('utf8');
      parseKeyFile(json);
      const object = parseObject(json, 'key file');
      const created = parseGoTime(optionalText(object, 'created'));
      return {
        id: name,
        username: optionalText(object, 'username'),
        hostname: optionalText(object, 'hostname'),
        created: created === undefined ? undefined : new Date(Number(created / 1_000_000n)),
        isCurrent,
      };
    } catch (error) {
      if (isLifeboatError(error, 'location.file-missing')) return undefined;
      if (!isLifeboatError(error, 'repository.damaged')) throw error;
      return { id: name, ...unreadable, isCurrent, problem: error.message };
    }
  }

  #lock(exclusive: boolean, operation: string, options: OperationOptions): Promise<RepositoryLock> {
    const { signal, progress, lockWaitMs } = options;
    return RepositoryLock.acquire(this.#access, {
      exclusive,
      operation,
      waitMs: lockWaitMs,
      signal,
      progress,
    });
  }
}

function refused(fact: string, hint: string): LifeboatError {
  return new LifeboatError('key.refused', fact, { hint: `Nothing was removed. ${hint}` });
}
