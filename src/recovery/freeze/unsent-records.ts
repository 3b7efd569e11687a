import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, syncFolder, writeFileDurably } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import { type FreezeRecord, parseFreezeRecord } from './freeze-record.ts';
import { within } from './within.ts';

// What repositories do not have yet: beside the records of the state folder, one file for each version that one of them lacks. Without it
// the copy of a repository that was away during the thaw would say "frozen" for ever.

interface Unsent {
  readonly record: FreezeRecord;
  readonly repositories: readonly string[];
}

const suffix = '.json';
const folderOf = (stateFolder: string) => join(stateFolder, 'freezes', 'unsent');
const nameOf = ({ id, revision }: FreezeRecord) => `${id}.${revision}${suffix}`;

/** Notes who lacks this version; nobody: it is there. Older versions of it need not be sent any more. Durable when it resolves. */
export async function noteUnsent(
  stateFolder: string,
  record: FreezeRecord,
  repositories: readonly string[],
): Promise<void> {
  const folder = folderOf(stateFolder);
  const own = nameOf(record);
  if (repositories.length > 0) {
    const isNew = await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error) => {
      throw fileError(error, `could not make ${folder}`);
    });
    if (isNew !== undefined) await syncFolder(join(stateFolder, 'freezes'));
    const unsent: Unsent = { record, repositories };
    await writeFileDurably(join(folder, own), `${JSON.stringify(unsent)}\n`);
  }
  for (const name of await namesIn(folder)) {
    const [id, revision] = name.split('.');
    if (id !== record.id || Number(revision) > record.revision) continue;
    if (name !== own || repositories.length === 0) await rm(join(folder, name), { force: true });
  }
}

/** What repositories will say when each has what it lacks. */
export async function unsentRecords(stateFolder: string): Promise<readonly FreezeRecord[]> {
  const folder = folderOf(stateFolder);
  const records: FreezeRecord[] = [];
  for (const name of await namesIn(folder)) {
    const unsent = await readUnsent(join(folder, name));
    if (unsent !== undefined) records.push(unsent.record);
  }
  return records;
}

/**
 * Gives repositories the versions that they lack, as far as they answer in time. `repository`: undefined where it is known to be away.
 * Nothing of it fails: what is not sent stays for the next time. Resolves with how many versions are in every repository now.
 */
export async function sendUnsent(options: {
  readonly stateFolder: string;
  readonly repository: (name: string) => Promise<Pick<Repository, 'records'>> | undefined;
  readonly patienceMs: number;
}): Promise<number> {
  const { stateFolder, repository, patienceMs } = options;
  const folder = folderOf(stateFolder);
  let sent = 0;
  for (const name of await namesIn(folder).catch(() => [])) {
    const unsent = await readUnsent(join(folder, name));
    if (unsent === undefined) continue;
    const { record, repositories } = unsent;
    const outcomes = await Promise.all(
      repositories.map(async (each) => {
        const opening = repository(each);
        if (opening === undefined) return each;
        const sending = opening.then(({ records }) =>
          records.append({ kind: 'freeze', source: '', body: record }),
        );
        const isThere = await within(patienceMs, sending).catch(() => undefined);
        return isThere === undefined ? each : undefined;
      }),
    );
    const left = outcomes.flatMap((each) => each ?? []);
    if (left.length === repositories.length) continue;
    await noteUnsent(stateFolder, record, left).catch(() => {});
    if (left.length === 0) sent += 1;
  }
  return sent;
}

async function readUnsent(path: string): Promise<Unsent | undefined> {
  try {
    const { record, repositories } = JSON.parse(await readFile(path, 'utf8'));
    const parsed = parseFreezeRecord(record);
    return parsed && Array.isArray(repositories) ? { record: parsed, repositories } : undefined;
  } catch {
    // Another process has sent it meanwhile.
    return undefined;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(suffix)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fileError(error, `could not list ${folder}`);
  }
}
