import { type Progress, silentProgress, throwIfAborted } from '../../core/index.ts';
import { isDamage } from '../damage.ts';
import { decodeIndex, encodeIndex, type IndexedPack } from '../format/index-file.ts';
import { packSizeBytes } from '../format/pack-header.ts';
import { IndexOutput } from '../index/index-output.ts';
import { RepositoryLock } from '../lock/repository-lock.ts';
import type { OperationOptions } from '../repository.ts';
import { aboutFile, type RepositoryAccess, readStoredJson, sha256 } from '../stored-file.ts';
import { readPackHeader } from './read-pack-header.ts';

export interface RepairIndexOptions extends OperationOptions {
  /** Trusts no index file: every pack's header is read. */
  readonly readAllPacks?: boolean;
  readonly dryRun?: boolean;
}

interface DamagedFile {
  readonly name: string;
  readonly problem: string;
}

export interface RepairIndexReport {
  readonly dryRun: boolean;
  readonly indexFiles: number;
  /** Could not be read; what they named was looked up in the packs. */
  readonly indexFilesDamaged: readonly DamagedFile[];
  readonly packs: number;
  readonly packsRead: number;
  readonly packsAdded: number;
  /** Named by the index and not there: what only they held is lost. */
  readonly packsMissing: readonly string[];
  /** Their headers cannot be read: `repair packs` saves what is whole in those that the index still names. */
  readonly packsDamaged: readonly DamagedFile[];
  readonly indexFilesReplaced: number;
}

const readsAtOnce = 8;

/**
 * Makes the index what the packs say. Only packs that no index file names, or that are not as it says, are read. The new
 * index files are durable before an old one goes.
 */
export async function repairIndex(
  access: RepositoryAccess,
  options: RepairIndexOptions = {},
): Promise<RepairIndexReport> {
  const { signal, progress = silentProgress, lockWaitMs: waitMs } = options;
  const dryRun = options.dryRun ?? false;
  const lockOptions = { exclusive: true, operation: 'repair index', waitMs, signal, progress };
  await using lock = await RepositoryLock.acquire(access, lockOptions);
  const packs = await access.location.list('data', signal);
  const sizes = new Map(packs.map(({ name, sizeBytes }) => [name, sizeBytes]));
  const survey = await surveyIndex(access, sizes, { ...options, progress });

  const unknown = [...sizes.keys()].filter((name) => {
    return options.readAllPacks === true || !survey.sound.has(name);
  });
  const read = await readHeaders(access, unknown, sizes, { signal, progress });
  const byHeader = new Set(read.packs.map(({ name }) => name));
  const added = read.packs.filter(({ name }) => !survey.sound.has(name));
  const report = {
    dryRun,
    indexFiles: survey.files.length,
    indexFilesDamaged: survey.damaged,
    packs: sizes.size,
    packsRead: unknown.length,
    packsAdded: added.length,
    packsMissing: [...survey.missing],
    packsDamaged: read.damaged,
    indexFilesReplaced: 0,
  };
  if (dryRun) return report;

  const confirm = () => lock.confirmHeld(signal);
  const output = new IndexOutput(access, confirm, signal);
  await output.addAll(options.readAllPacks === true ? read.packs : added);
  const replaced = survey.damaged.map(({ name }) => name);
  for (const name of survey.files) {
    const entries = await readIndex(access, name, signal).catch(orUndefined);
    if (entries === undefined) continue;
    const stays = entries.filter((pack) => {
      const isDescribed = survey.sound.get(pack.name) === fingerprint(pack);
      return isDescribed && !(options.readAllPacks === true && byHeader.has(pack.name));
    });
    if (stays.length === entries.length && entries.length > 0) continue;
    await output.addAll(stays);
    replaced.push(name);
  }
  await output.flush();
  if (replaced.length > 0) await confirm();
  for (const name of replaced) await access.location.remove('index', name, signal);
  return { ...report, indexFilesReplaced: replaced.length };
}

interface IndexSurvey {
  readonly files: readonly string[];
  readonly damaged: readonly DamagedFile[];
  /** Fingerprint of what is said of each pack that is as long as that. */
  readonly sound: ReadonlyMap<string, string>;
  readonly missing: ReadonlySet<string>;
}

async function surveyIndex(
  access: RepositoryAccess,
  sizes: ReadonlyMap<string, number>,
  options: RepairIndexOptions & { readonly progress: Progress },
): Promise<IndexSurvey> {
  const { signal, progress } = options;
  const files = (await access.location.list('index', signal)).map(({ name }) => name);
  const damaged: DamagedFile[] = [];
  const sound = new Map<string, string>();
  const disputed = new Set<string>();
  const missing = new Set<string>();
  const task = 'read the index';
  progress({ type: 'begin', task, title: 'reading the index' });
  for (const [number, name] of files.entries()) {
    throwIfAborted(signal);
    try {
      for (const pack of await readIndex(access, name, signal)) {
        const sizeBytes = sizes.get(pack.name);
        if (sizeBytes === undefined) missing.add(pack.name);
        if (sizeBytes !== packSizeBytes(pack.blobs)) continue;
        const print = fingerprint(pack);
        if ((sound.get(pack.name) ?? print) !== print) disputed.add(pack.name);
        sound.set(pack.name, print);
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
      damaged.push({ name, problem: error.message });
    }
    progress({ type: 'progress', task, done: number + 1, total: files.length, unit: 'files' });
  }
  progress({ type: 'end', task });
  // Two index files that disagree: the pack itself decides.
  for (const name of disputed) sound.delete(name);
  return { files, damaged, sound, missing };
}

async function readHeaders(
  access: RepositoryAccess,
  names: readonly string[],
  sizes: ReadonlyMap<string, number>,
  { signal, progress }: { readonly signal?: AbortSignal | undefined; readonly progress: Progress },
) {
  const packs: IndexedPack[] = [];
  const damaged: DamagedFile[] = [];
  const task = 'read packs';
  if (names.length === 0) return { packs, damaged };
  progress({ type: 'begin', task, title: 'reading headers of packs' });
  for (let at = 0; at < names.length; at += readsAtOnce) {
    throwIfAborted(signal);
    await Promise.all(
      names.slice(at, at + readsAtOnce).map(async (name) => {
        try {
          const sizeBytes = sizes.get(name) as number;
          packs.push({ name, blobs: await readPackHeader(access, { name, sizeBytes }, signal) });
        } catch (error) {
          if (!isDamage(error)) throw error;
          damaged.push({ name, problem: error.message });
        }
      }),
    );
    const done = Math.min(at + readsAtOnce, names.length);
    progress({ type: 'progress', task, done, total: names.length, unit: 'files' });
  }
  progress({ type: 'end', task });
  return { packs, damaged };
}

async function readIndex(
  access: RepositoryAccess,
  name: string,
  signal?: AbortSignal,
): Promise<readonly IndexedPack[]> {
  const json = await readStoredJson(access, 'index', name, signal);
  return aboutFile('index', name, () => decodeIndex(json));
}

function orUndefined(error: unknown): undefined {
  if (!isDamage(error)) throw error;
}

function fingerprint(pack: IndexedPack): string {
  const blobs = [...pack.blobs].sort((a, b) => a.offset - b.offset);
  return sha256(Buffer.from(encodeIndex([{ name: pack.name, blobs }]))).slice(0, 32);
}
