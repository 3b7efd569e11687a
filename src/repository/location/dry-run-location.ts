import { LifeboatError, throwIfAborted } from '../../core/index.ts';
import { assertFileName } from './file-name.ts';
import type { ByteRange, FileInfo, FileKind, Location } from './location.ts';
import type { LocationAbilities } from './location-abilities.ts';
import { LocationDecorator } from './location-decorator.ts';
import { MemoryLocation } from './memory-location.ts';
import type { ObjectLock } from './object-lock.ts';
import { existsAlready } from './rest-error.ts';

/** What would have been done. */
export interface DryRunStep {
  readonly operation: 'write' | 'remove';
  /** `''`, or the nested area: `lifeboat/`. */
  readonly area: string;
  readonly kind: FileKind;
  readonly name: string;
  /** Of what would have been written. */
  readonly sizeBytes?: number;
}

interface Shared {
  readonly steps: DryRunStep[];
  /** Paths of the files that are in the overlay. */
  readonly written: Set<string>;
  /** Paths whose files are gone for those who look from here. */
  readonly removed: Set<string>;
}

/**
 * Records writings and removals and does none of them; later calls see them as done. What was written is kept in `overlay`:
 * in memory, unless one is given that has more room.
 */
export class DryRunLocation extends LocationDecorator {
  readonly #overlay: Location;
  readonly #area: string;
  readonly #shared: Shared;

  constructor(
    inner: Location,
    overlay: Location = new MemoryLocation(),
    nested?: { readonly shared: Shared; readonly area: string },
  ) {
    super(inner);
    this.#overlay = overlay;
    this.#shared = nested?.shared ?? { steps: [], written: new Set(), removed: new Set() };
    this.#area = nested?.area ?? '';
  }

  /** In order, nested areas included. */
  get steps(): readonly DryRunStep[] {
    return this.#shared.steps;
  }

  override async create(signal?: AbortSignal): Promise<void> {
    await this.#overlay.create(signal);
  }

  override async list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    const files = new Map<string, FileInfo>();
    for (const each of await this.inner.list(kind, signal)) {
      if (!this.#shared.removed.has(this.#pathOf(kind, each.name))) files.set(each.name, each);
    }
    for (const each of await this.#overlay.list(kind, signal)) files.set(each.name, each);
    return [...files.values()];
  }

  override async read(
    kind: FileKind,
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const path = this.#pathOf(kind, name);
    if (this.#shared.written.has(path)) {
      return await this.#overlay.read(kind, name, range, signal);
    }
    if (this.#shared.removed.has(path)) {
      const message = `could not read ${path} of ${this.describe()}: it would have been removed`;
      throw new LifeboatError('location.file-missing', message);
    }
    return await this.inner.read(kind, name, range, signal);
  }

  override async write(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    const path = this.#pathOf(kind, name);
    if (kind === 'config' && (await this.list('config', signal)).length > 0) {
      throw existsAlready(`could not write config to ${this.describe()}`);
    }
    await this.#overlay.write(kind, name, bytes, signal);
    this.#shared.removed.delete(path);
    this.#shared.written.add(path);
    this.#record({ operation: 'write', kind, name, sizeBytes: bytes.length });
  }

  override async remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void> {
    const path = this.#pathOf(kind, name);
    throwIfAborted(signal);
    await this.#overlay.remove(kind, name, signal);
    this.#shared.written.delete(path);
    this.#shared.removed.add(path);
    this.#record({ operation: 'remove', kind, name });
  }

  override async modifiedAt(
    kind: FileKind,
    name: string,
    signal?: AbortSignal,
  ): Promise<Date | undefined> {
    if (this.#shared.written.has(this.#pathOf(kind, name))) return undefined;
    return await super.modifiedAt(kind, name, signal);
  }

  /** Retaining changes the place. */
  override get objectLock(): ObjectLock | undefined {
    const lock = this.inner.objectLock;
    if (lock === undefined) return undefined;
    return {
      promise: lock.promise,
      place: lock.place,
      untilFor: (now) => lock.untilFor(now),
      takeWritten: (kind, name) => lock.takeWritten(kind, name),
      retain: async (_kind, _name, { until, known }) => {
        return known ?? { versionId: 'dry run', sizeBytes: 0, retainedUntil: until };
      },
    };
  }

  /** Probing writes. */
  override async probe(): Promise<LocationAbilities | undefined> {
    return undefined;
  }

  override nested(folder: string): Location {
    const [inner, overlay] = [this.inner.nested(folder), this.#overlay.nested(folder)];
    const area = `${this.#area}${folder}/`;
    return new DryRunLocation(inner, overlay, { shared: this.#shared, area });
  }

  protected around(inner: Location): Location {
    return new DryRunLocation(inner, this.#overlay, { shared: this.#shared, area: this.#area });
  }

  #record(step: Omit<DryRunStep, 'area'>): void {
    this.#shared.steps.push({ ...step, area: this.#area });
  }

  #pathOf(kind: FileKind, name: string): string {
    assertFileName(kind, name);
    return `${this.#area}${kind}/${name}`;
  }
}
