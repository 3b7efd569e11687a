import { LifeboatError, silentProgress, throwIfAborted } from '../../core/index.ts';
import { isDamage } from '../damage.ts';
import { openVerifiedBlob } from '../data-plane/blob-codec.ts';
import { repackBlobs } from '../data-plane/repack-blobs.ts';
import { decodeIndex, type IndexedPack, type PackedBlob } from '../format/index-file.ts';
import { IndexOutput } from '../index/index-output.ts';
import { RepositoryLock } from '../lock/repository-lock.ts';
import { NestedArea } from '../log/nested-area.ts';
import { Marks } from '../prune/marks.ts';
import type { BlobType, OperationOptions } from '../repository.ts';
import {
  aboutFile,
  assertWritable,
  type RepositoryAccess,
  readStoredJson,
} from '../stored-file.ts';
import { readPackHeader } from './read-pack-header.ts';

export interface RepairedPack {
  readonly name: string;
  readonly blobs: number;
  readonly blobsSaved: number;
  /** Lost unless another pack holds them. */
  readonly lost: readonly { readonly type: BlobType; readonly id: string }[];
}

/** Names of packs as the user gave them: whole. */
export interface RepairPacksOptions extends OperationOptions {
  readonly dryRun?: boolean;
}

/**
 * Saves the blobs that are whole in damaged packs: into new packs, which the index then names instead. The damaged files
 * stay, marked, until a prune removes them a day later. Run `repair snapshots` afterwards for what is lost.
 */
export async function repairPacks(
  access: RepositoryAccess,
  names: readonly string[],
  options: RepairPacksOptions = {},
): Promise<readonly RepairedPack[]> {
  const { signal, progress = silentProgress, lockWaitMs: waitMs, dryRun = false } = options;
  const { location, masterKey } = access;
  assertWritable(access);
  const lockOptions = { exclusive: true, operation: 'repair packs', waitMs, signal, progress };
  await using lock = await RepositoryLock.acquire(access, lockOptions);
  const wanted = new Set(names);
  const files = new Map((await location.list('data', signal)).map((each) => [each.name, each]));
  const described = await describedIn(access, wanted, signal);
  for (const name of wanted) {
    if (!files.has(name) && !described.packs.has(name)) throw unknownPack(name);
  }
  const confirm = () => lock.confirmHeld(signal);
  const output = new IndexOutput(access, confirm, signal);
  const reports: RepairedPack[] = [];
  const task = 'repair packs';
  progress({ type: 'begin', task, title: 'saving what is whole' });
  for (const name of wanted) {
    throwIfAborted(signal);
    const bytes = files.has(name) ? await location.read('data', name, undefined, signal) : empty;
    const blobs = described.packs.get(name) ?? (await headerOf(access, name, bytes.length, signal));
    const whole = blobs.filter((blob) => isWhole(access, bytes, blob));
    const saved = new Set(whole);
    const lost = blobs.filter((blob) => !saved.has(blob)).map(({ type, id }) => ({ type, id }));
    reports.push({ name, blobs: blobs.length, blobsSaved: whole.length, lost });
    progress({ type: 'progress', task, done: reports.length, total: wanted.size, unit: 'files' });
    if (dryRun) continue;
    for (const type of ['data', 'tree'] as const) {
      const moved = whole
        .filter((blob) => blob.type === type)
        .map((blob) => ({ ...blob, piece: 0 }));
      if (moved.length === 0) continue;
      const pack = repackBlobs(masterKey, [bytes], moved);
      await location.write('data', pack.name, pack.bytes, signal);
      await output.addAll([{ name: pack.name, blobs: pack.blobs }]);
    }
  }
  progress({ type: 'end', task });
  if (dryRun) return reports;

  for (const file of described.files) {
    const packs = await readIndex(access, file, signal);
    await output.addAll(packs.filter((pack) => !wanted.has(pack.name)));
  }
  const marks = await Marks.load(new NestedArea(location, masterKey), { signal, progress });
  for (const name of wanted) if (files.has(name)) marks.add('data', name, new Date());
  await marks.save();
  await output.flush();
  if (described.files.length > 0) await confirm();
  for (const file of described.files) await location.remove('index', file, signal);
  return reports;
}

const empty = new Uint8Array(0);

/** What the index says of the packs, and the files that say it. */
async function describedIn(
  access: RepositoryAccess,
  wanted: ReadonlySet<string>,
  signal?: AbortSignal,
) {
  const packs = new Map<string, readonly PackedBlob[]>();
  const files: string[] = [];
  for (const { name } of await access.location.list('index', signal)) {
    const found = (await readIndex(access, name, signal)).filter((pack) => wanted.has(pack.name));
    if (found.length > 0) files.push(name);
    for (const pack of found) packs.set(pack.name, pack.blobs);
  }
  return { packs, files };
}

async function readIndex(
  access: RepositoryAccess,
  name: string,
  signal?: AbortSignal,
): Promise<readonly IndexedPack[]> {
  try {
    const json = await readStoredJson(access, 'index', name, signal);
    return aboutFile('index', name, () => decodeIndex(json));
  } catch (error) {
    if (!isDamage(error)) throw error;
    throw new LifeboatError('repository.damaged', error.message, {
      hint: 'Nothing was changed. Run `lifeboat repair index` first.',
      cause: error,
    });
  }
}

async function headerOf(
  access: RepositoryAccess,
  name: string,
  sizeBytes: number,
  signal?: AbortSignal,
): Promise<readonly PackedBlob[]> {
  try {
    return await readPackHeader(access, { name, sizeBytes }, signal);
  } catch (error) {
    if (!isDamage(error)) throw error;
    // No index and no header: there is nothing to tell blobs apart by.
    return [];
  }
}

function isWhole({ masterKey }: RepositoryAccess, bytes: Uint8Array, blob: PackedBlob): boolean {
  const { id, offset, length, uncompressedLength } = blob;
  if (offset + length > bytes.length) return false;
  try {
    openVerifiedBlob(masterKey, bytes.subarray(offset, offset + length), uncompressedLength, id);
    return true;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return false;
  }
}

function unknownPack(name: string): LifeboatError {
  return new LifeboatError('usage.invalid', `there is no pack ${name}, and no index names one`, {
    hint: 'Take the names of damaged packs from `lifeboat check --read-data`.',
  });
}
