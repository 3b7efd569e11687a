import type { Progress } from '../../../core/index.ts';
import {
  type BackupWriter,
  checkpointTag,
  isCheckpoint,
  type NewSnapshot,
  type Snapshot,
  type SnapshotId,
} from '../../../repository/index.ts';
import type { TreeCrew } from './tree-crew.ts';

export interface CheckpointsOptions {
  readonly crew: TreeCrew;
  readonly writer: BackupWriter;
  readonly everyMs: number;
  readonly progress: Progress;
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
  #savedAt = Date.now();
  #saving: Promise<void> = Promise.resolve();
  #isSaving = false;
  #hasEnded = false;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#saveSoon(), options.everyMs);
  }

  /** No more of them; waits for the one under way. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#hasEnded = true;
    await this.#saving;
  }

  /** The last one of a backup that is being cancelled, if there is much to lose. Does not reject. */
  async saveLast(): Promise<void> {
    const isWorthIt = Date.now() - this.#savedAt >= this.#options.everyMs / 5;
    if (isWorthIt && !this.#hasEnded) this.#saveSoon();
    await this.end();
  }

  /** Those of this backup, and those that it went on from: a whole snapshot has taken their place. */
  async removeAll(): Promise<void> {
    const former = this.#options.parents.filter(isCheckpoint).map(({ id }) => id);
    await this.#remove([...this.#own, ...former]);
  }

  #saveSoon(): void {
    if (this.#isSaving) return;
    this.#isSaving = true;
    this.#saving = this.#save()
      .catch((error: unknown) => {
        const message = `no checkpoint was stored: ${error instanceof Error ? error.message : error}`;
        this.#options.progress({ type: 'note', message });
      })
      .finally(() => {
        this.#isSaving = false;
      });
  }

  async #save(): Promise<void> {
    const { crew, writer, snapshot } = this.#options;
    const trees = await crew.checkpoint();
    // All is saved, and the whole snapshot follows in a moment.
    if (trees.length === 0) return;
    const former = this.#own;
    const saved: SnapshotId[] = [];
    for (const tree of trees) {
      const whole = snapshot();
      saved.push(
        await writer.publishSnapshot({ ...whole, tree, tags: [...whole.tags, checkpointTag] }),
      );
    }
    this.#own = [...saved];
    this.#savedAt = Date.now();
    await this.#remove(former);
  }

  /** Where nothing may be removed they stay, and count for nothing. */
  async #remove(ids: readonly SnapshotId[]): Promise<void> {
    for (const id of ids) await this.#options.writer.removeSnapshot(id).catch(() => {});
  }
}
