import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, LifeboatError, syncFolder, writeFileDurably } from '../../core/index.ts';
import { type FreezeRecord, parseFreezeRecord } from './freeze-record.ts';
import type { FreezeWorld } from './freeze-request.ts';

/** Records of freezes in the state folder of this host. */
export interface FreezeStore {
  /** Those that are not thawed, oldest first. Errors: `file.unreadable`, also for a record that does not parse: it may be all that undoes a freeze. */
  open(): Promise<readonly FreezeRecord[]>;
  /** Whether a freeze was thawed to its end on this host, or is a part of another one. */
  isHistory(id: string): Promise<boolean>;
  /** Durable when it resolves. One that is thawed goes to `history/`. Errors: `disk.full`, `file.unreadable`. */
  save(record: FreezeRecord): Promise<void>;
  /** Puts one to `history/` as it is: another record holds all of it. Errors: `file.unreadable`. */
  retire(id: string): Promise<void>;
}

/** Default: that of the state folder. */
export function storeOf({ store, surroundings }: FreezeWorld): FreezeStore {
  return store ?? freezeStore(surroundings.configuration.stateFolder);
}

const suffix = '.json';

export function freezeStore(stateFolder: string): FreezeStore {
  const folder = join(stateFolder, 'freezes');
  const history = join(folder, 'history');
  const isHistory = async (id: string) => (await namesIn(history)).includes(`${id}${suffix}`);
  return {
    isHistory,
    async open() {
      const records: FreezeRecord[] = [];
      for (const name of (await namesIn(folder)).filter(isRecordName).sort()) {
        // Its thaw was killed between the two.
        if (await isHistory(name.slice(0, -suffix.length))) continue;
        records.push(await readRecord(join(folder, name)));
      }
      return records;
    },
    async save(record) {
      const isThawed = record.phase === 'thawed';
      await makeFolders(stateFolder, folder, history);
      const text = `${JSON.stringify(record, undefined, 2)}\n`;
      const path = join(folder, `${record.id}${suffix}`);
      await writeFileDurably(isThawed ? join(history, `${record.id}${suffix}`) : path, text);
      if (!isThawed) return;
      await rm(path, { force: true });
      await syncFolder(folder);
    },
    async retire(id) {
      await makeFolders(stateFolder, folder, history);
      const name = `${id}${suffix}`;
      try {
        await rename(join(folder, name), join(history, name));
        await syncFolder(history);
        await syncFolder(folder);
      } catch (error) {
        throw fileError(error, `could not move ${join(folder, name)} to ${history}`);
      }
    },
  };
}

export function newFreezeId(now: Date): string {
  const time = now.toISOString().replace(/[-:]|\.\d+/g, '');
  return `${time}-${randomBytes(3).toString('hex')}`;
}

function isRecordName(name: string): boolean {
  return /^[0-9TZ]{16}-[0-9a-f]{6}\.json$/.test(name);
}

async function makeFolders(stateFolder: string, folder: string, history: string): Promise<void> {
  try {
    if ((await mkdir(history, { recursive: true, mode: 0o700 })) === undefined) return;
    // Their names must outlive a crash as the records in them do.
    await syncFolder(folder);
    await syncFolder(stateFolder);
  } catch (error) {
    throw fileError(error, `could not make ${history}`);
  }
}

async function readRecord(path: string): Promise<FreezeRecord> {
  const text = await readFile(path, 'utf8').catch((error) => {
    throw fileError(error, `could not read ${path}`);
  });
  const record = parseFreezeRecord(parsed(text));
  if (record !== undefined) return record;
  throw new LifeboatError('file.unreadable', `${path} is no record of a freeze`, {
    hint: 'It says what a thaw has to put back. Keep it, move it out of the folder, and run `lifeboat thaw`: a copy may be in a repository.',
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fileError(error, `could not list ${folder}`);
  }
}
