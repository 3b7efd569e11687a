import { LifeboatError } from '../../core/index.ts';
import type { FileInfo, FileKind, Location } from './location.ts';
import { LocationDecorator } from './location-decorator.ts';

/**
 * A repository that is open: a list of nothing is believed only while the config is there. Where a disk is no longer mounted, or a bucket or
 * folder went away, whoever lists is told so, and does not take it for a repository without snapshots, log or records.
 */
export class StandingLocation extends LocationDecorator {
  readonly #root: Location;

  /** `root`: where the config is, if `inner` is an area nested in it. */
  constructor(inner: Location, root = inner) {
    super(inner);
    this.#root = root;
  }

  override async list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    const files = await this.inner.list(kind, signal);
    if (files.length === 0) await this.#requireConfig(signal);
    return files;
  }

  override async create(signal?: AbortSignal): Promise<void> {
    await this.#requireConfig(signal);
    await this.inner.create(signal);
  }

  protected override around(inner: Location): Location {
    return new StandingLocation(inner, this.#root);
  }

  async #requireConfig(signal?: AbortSignal): Promise<void> {
    if ((await this.#root.list('config', signal)).length > 0) return;
    throw new LifeboatError(
      'location.unreachable',
      `the repository in ${this.#root.describe()} is not there any more`,
      {
        hint: 'It was there a moment ago. See that its disk is mounted, or its bucket or folder exists, and try again.',
        retryable: true,
      },
    );
  }
}
