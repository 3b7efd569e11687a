import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import type { FileInfo, FileKind, Location } from './location.ts';
import { LocationDecorator } from './location-decorator.ts';

export interface Standing {
  /** Where the config is, if what is decorated is an area nested in it. */
  readonly root: Location;
  /** Whether these bytes are the config of the repository that was opened. Without it any config will do. */
  readonly isOurs?: (config: Uint8Array) => boolean;
}

/**
 * A repository that is open: a list of nothing is believed, and anything is written, only while its config is there. Where a disk is no longer
 * mounted, or a bucket or folder went away, whoever lists is told so, and does not take it for a repository without snapshots, log or records.
 * Where another repository took its place (the other one of two disks, one that was made anew), nobody could read what is written there: the log
 * would be gone, and its server told that it is safe.
 */
export class StandingLocation extends LocationDecorator {
  readonly #standing: Standing;

  constructor(inner: Location, standing: Standing = { root: inner }) {
    super(inner);
    this.#standing = standing;
  }

  override async list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    const files = await this.inner.list(kind, signal);
    if (files.length === 0) await this.confirm(signal);
    return files;
  }

  override async create(signal?: AbortSignal): Promise<void> {
    await this.confirm(signal);
    await this.inner.create(signal);
  }

  override async write(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.confirm(signal);
    await this.inner.write(kind, name, bytes, signal);
  }

  protected override around(inner: Location): Location {
    return new StandingLocation(inner, this.#standing);
  }

  /** Errors: `location.unreachable`, when it is not there, or another one is. */
  async confirm(signal?: AbortSignal): Promise<void> {
    const { root, isOurs } = this.#standing;
    const config = await configOf(root, signal);
    if (config === undefined) throw gone(root);
    if (isOurs === undefined || isOurs(config)) return;
    const versions = (await root.configVersions?.(signal)) ?? [];
    if (!versions.some(isOurs)) throw replaced(root);
  }
}

async function configOf(root: Location, signal?: AbortSignal): Promise<Uint8Array | undefined> {
  try {
    return await (root.direct ?? root).read('config', 'config', undefined, signal);
  } catch (error) {
    if (!isLifeboatError(error, 'location.file-missing')) throw error;
    return undefined;
  }
}

function gone(root: Location): LifeboatError {
  return new LifeboatError(
    'location.unreachable',
    `the repository in ${root.describe()} is not there any more`,
    {
      hint: 'It was there a moment ago. See that its disk is mounted, or its bucket or folder exists, and try again.',
      retryable: true,
    },
  );
}

function replaced(root: Location): LifeboatError {
  return new LifeboatError(
    'location.unreachable',
    `another repository is in ${root.describe()} now`,
    {
      hint: 'Nothing was written to it. Put the one that was there back (is the right disk mounted?). To go on with this one, start `serve` anew: it begins with a backup of everything.',
      retryable: true,
    },
  );
}
