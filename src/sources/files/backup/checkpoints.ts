import { formatBytes, formatCount, type Progress } from '../../../core/index.ts';
import {
  type BackupWriter,
  checkpointTag,
  isCheckpoint,
  type NewSnapshot,
  type Snapshot,
  type SnapshotId,
} from '../../../repository/index.ts';
import type { TreeCrew } from './tree-crew.ts';
import { untilAborted } from './until-aborted.ts';

export interface CheckpointsOptions {
  readonly crew: TreeCrew;
  readonly writer: BackupWriter;
  readonly everyMs: number;
  readonly progress: Progress;
  /** Nothing more is written once it is aborted. */
  readonly signal: AbortSignal;
  /** What the backup goes on from; its checkpoints are removed in the end. */
  readonly parents: readonly Snapshot[];
  /** What a snapshot of this backup would be now, but for its tree. */
  snapshot(): Omit<NewSnapshot, 'tree'>;
}

/**
 * Snapshots of what a backup has stored so far, so that the next one need not read it again when this one is interrupted. One
 * for each part of the work that is under way; each replaces the former ones of this backup. Marked by a tag: they
 * are no backups.
 */
export class Checkpoints {
  readonly #options: CheckpointsOptions;
  readonly #timer: NodeJS.Timeout;
  #own: SnapshotId[] = [];
  /** What they hold. */
  #kept: { readonly files: number; readonly bytes: number } | undefined;
  /** Without a checkpoint: the next backup knows what is stored. */
  #isIndexed = false;
  #saving: Promise<void> = Promise.resolve();
  #isSaving = false;
  #hasEnded = false;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#saveSoon(false), options.everyMs);
  }

  /** No more of them; waits for the one under way. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#hasEnded = true;
    await this.#saving;
  }

  /** The last one of a backup that is being cancelled; nothing is read any more. Does not reject. */
  async saveLast(): Promise<void> {
    // First, because it takes a moment, and spares most of the work if the rest takes too long.
    await this.#options.writer.keepStored(this.#options.signal).then(
      () => {
        this.#isIndexed = true;
      },
      () => {},
    );
    if (!this.#hasEnded) {
      await this.#saving;
      this.#saveSoon(true);
    }
    await this.end();
  }

  /** What an interruption leaves for the next run, in words for people. */
  describeKept(): string {
    if (this.#kept !== undefined) {
      const { files, bytes } = this.#kept;
      return `What was stored is kept (${formatCount(files)} ${files === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}). Run the same command again to go on from there.`;
    }
    if (this.#own.length > 0) {
      return 'A part of what was stored is kept. Run the same command again to go on from there.';
    }
    if (this.#isIndexed && this.#options.writer.totals().bytesStored > 0) {
      return 'No checkpoint was stored: the same command reads all files again, but does not store again what was stored of them.';
    }
    return 'Nothing was kept.';
  }

  /** Those of this backup, and those that it went on from: a whole snapshot has taken their place. */
  async removeAll(): Promise<void> {
    const former = this.#options.parents.filter(isCheckpoint).map(({ id }) => id);
    await this.#remove([...this.#own, ...former]);
  }

  #saveSoon(isLast: boolean): void {
    if (this.#isSaving) return;
    this.#isSaving = true;
    this.#saving = this.#save(isLast)
      .catch((error: unknown) => {
        if (this.#options.signal.aborted) return;
        const message = `no checkpoint was stored: ${error instanceof Error ? error.message : error}`;
        this.#options.progress({ type: 'note', message });
      })
      .finally(() => {
        this.#isSaving = false;
      });
  }

  async #save(isLast: boolean): Promise<void> {
    const { crew, writer, snapshot, signal } = this.#options;
    const trees = await untilAborted(crew.checkpoint({ isLast }), signal);
    // All is saved, and the whole snapshot follows in a moment.
    if (trees.length === 0) return;
    const former = [...this.#own];
    const whole = snapshot();
    for (const tree of trees) {
      this.#own.push(
        await writer.publishSnapshot({ ...whole, tree, tags: [...whole.tags, checkpointTag] }),
      );
    }
    this.#own = this.#own.slice(former.length);
    this.#kept = { files: whole.filesTotal, bytes: whole.bytesTotal };
    await this.#remove(former);
  }

  /** Where nothing may be removed they stay, and count for nothing. */
  async #remove(ids: readonly SnapshotId[]): Promise<void> {
    for (const id of ids) await this.#options.writer.removeSnapshot(id).catch(() => {});
  }
}
