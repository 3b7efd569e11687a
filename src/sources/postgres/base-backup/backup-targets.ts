import { isLifeboatError, type Progress } from '../../../core/index.ts';
import type {
  BackupWriter,
  BlobId,
  NewSnapshot,
  Repository,
  SnapshotId,
} from '../../../repository/index.ts';
import type { OtherRepository, StoredElsewhere } from '../../source.ts';

/** Who keeps another repository busy must not keep the backup from the first. */
const longestOtherWaitMs = 60_000;

export interface BackupTargetsOptions {
  /** The source's own: it must open. */
  readonly repository: Repository;
  readonly alsoTo: readonly OtherRepository[];
  readonly progress: Progress;
  readonly lockWaitMs?: number;
  readonly signal?: AbortSignal;
}

interface Target {
  /** Undefined for the source's own repository. */
  readonly name: string | undefined;
  readonly repository: Repository;
  readonly writer: BackupWriter;
  failure?: { readonly error: unknown };
}

export interface Published {
  /** Of the first repository that has it. */
  readonly snapshot: SnapshotId;
  readonly writer: BackupWriter;
  /** The other repositories. */
  readonly elsewhere: readonly StoredElsewhere[];
  readonly warnings: readonly string[];
}

/** The repositories that one reading of a database goes to. One that fails does not take the others along. */
export class BackupTargets implements AsyncDisposable {
  readonly #targets: Target[] = [];
  /** Those that did not even open. */
  readonly #unopened: { readonly name: string; readonly error: unknown }[] = [];

  static async open(options: BackupTargetsOptions): Promise<BackupTargets> {
    const { repository, alsoTo, progress, signal, lockWaitMs = 0 } = options;
    const targets = new BackupTargets();
    try {
      await targets.#add(undefined, repository, options, lockWaitMs);
      for (const { name, open } of alsoTo) {
        try {
          const wait = Math.min(lockWaitMs, longestOtherWaitMs);
          await targets.#add(name, await open(), options, wait);
        } catch (error) {
          if (!isLifeboatError(error) || error.code === 'bug' || signal?.aborted) throw error;
          targets.#unopened.push({ name, error });
          progress({ type: 'warning', message: notStored(name, error) });
        }
      }
      return targets;
    } catch (error) {
      await targets[Symbol.asyncDispose]();
      throw error;
    }
  }

  get writers(): readonly BackupWriter[] {
    return this.#targets.map(({ writer }) => writer);
  }

  /** Whether every repository that still takes something holds the blob already. */
  hasData(id: BlobId): boolean {
    return this.#targets.every(({ failure, writer }) => failure || writer.isStored('data', id));
  }

  /** A writer takes no more. */
  failed(number: number, error: unknown): void {
    const target = this.#targets[number];
    if (target) target.failure ??= { error };
  }

  /** Throws the first failure when no repository has got the snapshot. */
  async publish(
    snapshot: NewSnapshot,
    beforePublishing: (repository: Repository) => Promise<void>,
  ): Promise<Published> {
    const stored: { readonly target: Target; readonly id: SnapshotId }[] = [];
    for (const target of this.#targets) {
      if (target.failure) continue;
      try {
        await beforePublishing(target.repository);
        stored.push({ target, id: await target.writer.publishSnapshot(snapshot) });
      } catch (error) {
        if (!isLifeboatError(error) || error.code === 'bug' || error.code === 'cancelled')
          throw error;
        target.failure = { error };
      }
    }
    const [first] = stored;
    if (first === undefined) throw this.#targets.find(({ failure }) => failure)?.failure?.error;
    return {
      snapshot: first.id,
      writer: first.target.writer,
      elsewhere: [
        ...stored.flatMap(({ target, id }) =>
          target.name === undefined ? [] : [{ repository: target.name, snapshot: id }],
        ),
        ...this.#failures().flatMap(({ name, error }) =>
          name === undefined ? [] : [{ repository: name, problem: messageOf(error) }],
        ),
      ],
      warnings: [
        ...stored.flatMap(({ target }) => target.writer.warnings),
        ...this.#failures().map(({ name, error }) => notStored(name, error)),
      ],
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#targets.map(({ writer }) => writer[Symbol.asyncDispose]()));
  }

  #failures(): readonly { readonly name: string | undefined; readonly error: unknown }[] {
    const failed = this.#targets.flatMap(({ name, failure }) =>
      failure ? [{ name, error: failure.error }] : [],
    );
    return [...failed, ...this.#unopened];
  }

  async #add(
    name: string | undefined,
    repository: Repository,
    { progress, signal }: BackupTargetsOptions,
    lockWaitMs: number,
  ): Promise<void> {
    const aborting = signal ? { signal } : {};
    const writer = await repository.startBackup({ progress, ...aborting, lockWaitMs });
    this.#targets.push({ name, repository, writer });
  }
}

function notStored(name: string | undefined, error: unknown): string {
  const place = name === undefined ? "the source's own repository" : `the repository "${name}"`;
  return `not stored in ${place}: ${messageOf(error)}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
