import { type Progress, throwIfAborted } from '../../core/index.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { LoadedIndex } from '../index/index-reader.ts';
import type { RepositoryLock } from '../lock/repository-lock.ts';
import type { BlobId, BlobType, SnapshotId } from '../repository.ts';
import { writeStoredJson } from '../stored-file.ts';
import type { CopiedSnapshot } from './copy.ts';
import { type BlobFailures, copyBlobs, failureKey } from './copy-blobs.ts';
import type { CopySide } from './copy-side.ts';
import type { CopyTally } from './copy-tally.ts';
import { PackIntake } from './pack-intake.ts';
import type { ChosenSnapshot, DestinationSnapshots } from './select-snapshots.ts';
import { walkTrees } from './tree-walk.ts';
import { WantedBlobs } from './wanted-blobs.ts';

/** Snapshots are published whenever this much has been brought over; memory is bounded by it too. */
const batchBytesMax = 64 * 2 ** 30;

export interface SnapshotCopierOptions {
  readonly from: CopySide;
  readonly to: CopySide;
  /** Of the destination. */
  readonly lock: RepositoryLock;
  readonly source: LoadedIndex;
  /** What the destination holds. */
  readonly known: BlobIndex;
  readonly there: DestinationSnapshots;
  readonly tally: CopyTally;
  readonly dryRun: boolean;
  readonly signal: AbortSignal | undefined;
  readonly progress: Progress;
}

interface Batch {
  readonly snapshots: ChosenSnapshot[];
  readonly wanted: WantedBlobs;
  sealedBytes: number;
}

/** Brings snapshots over, oldest first: their missing blobs in one pass over the source's packs, then the snapshots. */
export class SnapshotCopier implements AsyncDisposable {
  readonly #options: SnapshotCopierOptions;
  readonly #intake: PackIntake;
  /** Trees that were walked: what they name is wanted or known. */
  readonly #walked = new WantedBlobs();
  readonly #failures: BlobFailures = new Map();

  constructor(options: SnapshotCopierOptions) {
    this.#options = options;
    const { to, lock, known, signal } = options;
    this.#intake = new PackIntake({
      access: to.access,
      pool: to.pool,
      lock,
      onIndexed: (columns) => known.addColumns(columns),
      signal,
    });
  }

  async copy(chosen: readonly ChosenSnapshot[]): Promise<readonly CopiedSnapshot[]> {
    const copied: CopiedSnapshot[] = [];
    let batch = newBatch();
    for (const [nth, each] of chosen.entries()) {
      await this.#add(batch, each);
      if (batch.sealedBytes < batchBytesMax && nth < chosen.length - 1) continue;
      await this.#bring(batch);
      await this.#retain();
      if (!this.#options.dryRun) await this.#options.there.refresh(this.#options.signal);
      for (const one of batch.snapshots) {
        if (this.#options.there.has(one.snapshot)) continue;
        const published = await this.#publish(one);
        if (published !== undefined) copied.push(published);
      }
      const last = copied.at(-1)?.id;
      if (last !== undefined)
        await this.#options.to.retention?.record(last, this.#options.progress);
      batch = newBatch();
    }
    return copied;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#intake[Symbol.asyncDispose]();
  }

  async #add(batch: Batch, chosen: ChosenSnapshot): Promise<void> {
    const { from, source, progress, signal } = this.#options;
    const task = 'copy look';
    const title = `looking at snapshot ${chosen.snapshot.id.slice(0, 8)}`;
    progress({ type: 'begin', task, title });
    let trees = 0;
    const walk = walkTrees({
      side: from,
      index: source.blobs,
      root: chosen.snapshot.tree,
      isNew: (id) => this.#walked.add('tree', id),
      onBad: (id, problem) => this.#failures.set(failureKey({ type: 'tree', id }), problem),
      signal,
    });
    for await (const { id, content } of walk) {
      this.#want(batch, 'tree', id);
      for (const blob of content) this.#want(batch, 'data', blob);
      progress({ type: 'progress', task, done: ++trees, unit: 'files', detail: 'folders' });
    }
    progress({ type: 'end', task });
    batch.snapshots.push(chosen);
  }

  #want(batch: Batch, type: BlobType, id: BlobId): void {
    const { known, source, tally, dryRun } = this.#options;
    if (known.has(type, id) || batch.wanted.has(type, id)) return;
    const place = source.blobs.find(type, id);
    if (place === undefined) {
      this.#failures.set(failureKey({ type, id }), 'it is in no index');
      return;
    }
    batch.wanted.add(type, id);
    batch.sealedBytes += place.length;
    if (dryRun) tally.blobs(1, place.length);
  }

  async #bring(batch: Batch): Promise<void> {
    const { from, source, tally, dryRun, progress, signal } = this.#options;
    if (dryRun || batch.wanted.size === 0) return;
    const task = 'copy';
    progress({ type: 'begin', task, title: 'copying' });
    const before = this.#intake.bytesStored;
    let done = 0;
    const failures = await copyBlobs({
      from,
      indexFiles: source.files,
      wanted: batch.wanted,
      intake: this.#intake,
      onCopied: (blobs, sealedBytes) => {
        done += sealedBytes;
        tally.blobs(blobs, sealedBytes);
        progress({ type: 'progress', task, done, total: batch.sealedBytes, unit: 'bytes' });
      },
      signal,
    });
    for (const [key, problem] of failures) this.#failures.set(key, problem);
    await this.#intake.finish();
    tally.stored(this.#intake.bytesStored - before);
    progress({ type: 'end', task });
  }

  /** Before anything is published. */
  async #retain(): Promise<void> {
    const { to, known, dryRun, signal, progress } = this.#options;
    if (dryRun) return;
    await to.retention?.retainAll({ packs: known.packNames, signal, progress });
  }

  /** Undefined when part of it could not be copied: then it is not published, and said so. */
  async #publish({ snapshot, json }: ChosenSnapshot): Promise<CopiedSnapshot | undefined> {
    const { to, lock, tally, dryRun, signal } = this.#options;
    const problem = await this.#problemOf(snapshot.tree);
    if (problem !== undefined) {
      tally.problem(`snapshot ${snapshot.id.slice(0, 8)}: ${problem}`);
      return undefined;
    }
    const { time, hostname, paths, tags } = snapshot;
    const about = { source: snapshot.id, time, hostname, paths, tags };
    if (dryRun) return about;
    throwIfAborted(signal);
    await lock.confirmHeld(signal);
    const id = (await writeStoredJson(to.access, 'snapshots', json, signal)) as SnapshotId;
    return { ...about, id };
  }

  /** The first blob below `root` that is bad; looked for only when there is a bad one. */
  async #problemOf(root: BlobId): Promise<string | undefined> {
    if (this.#failures.size === 0) return undefined;
    const { from, source, signal } = this.#options;
    const seen = new WantedBlobs();
    let problem: string | undefined;
    const look = (type: BlobType, id: BlobId) => {
      const failure = this.#failures.get(failureKey({ type, id }));
      if (failure !== undefined) problem ??= `${type} blob ${id.slice(0, 8)}: ${failure}`;
    };
    const walk = walkTrees({
      side: from,
      index: source.blobs,
      root,
      isNew: (id) => seen.add('tree', id),
      onBad: (id, fact) => {
        problem ??= `tree ${id.slice(0, 8)}: ${fact}`;
      },
      signal,
    });
    for await (const { id, content } of walk) {
      look('tree', id);
      for (const blob of content) look('data', blob);
      if (problem !== undefined) break;
    }
    return problem;
  }
}

function newBatch(): Batch {
  return { snapshots: [], wanted: new WantedBlobs(), sealedBytes: 0 };
}
