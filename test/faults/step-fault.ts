import { LifeboatError } from '../../src/core/index.ts';
import type { ByteRange, FileInfo, FileKind, Location } from '../../src/repository/index.ts';
import { LocationDecorator } from '../../src/repository/location/location-decorator.ts';

/**
 * What goes wrong with a call. `error`: nothing happens. `half`: a write leaves its first half under the full name, as where
 * writes are not atomic. `unacknowledged`: it is done, and the caller is told that it failed.
 */
export const effects = ['error', 'half', 'unacknowledged'] as const;
export type Effect = (typeof effects)[number];

interface Shared {
  readonly step: number;
  readonly effect: Effect;
  readonly staysBroken: boolean;
  calls: number;
  isArmed: boolean;
  readonly halves: string[];
}

/** Lets the nth call after `arm` go wrong, counted over nested areas too, and every later one as well if it stays broken. */
export class StepFault extends LocationDecorator {
  readonly #shared: Shared;

  constructor(
    inner: Location,
    fault: Pick<Shared, 'step' | 'effect' | 'staysBroken'>,
    shared?: Shared,
  ) {
    super(inner);
    this.#shared = shared ?? { ...fault, calls: 0, isArmed: false, halves: [] };
  }

  arm(): void {
    this.#shared.isArmed = true;
  }

  /** From now on everything works. */
  disarm(): void {
    this.#shared.isArmed = false;
  }

  get hasFired(): boolean {
    return this.#shared.calls >= this.#shared.step;
  }

  /** Names of files that hold half of what they should. */
  get halves(): readonly string[] {
    return this.#shared.halves;
  }

  protected around(inner: Location): Location {
    return new StepFault(inner, this.#shared, this.#shared);
  }

  override create(signal?: AbortSignal): Promise<void> {
    return this.#run(() => super.create(signal));
  }

  override list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    return this.#run(() => super.list(kind, signal));
  }

  override read(
    kind: FileKind,
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    return this.#run(() => super.read(kind, name, range, signal));
  }

  override write(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    return this.#run(
      () => super.write(kind, name, bytes, signal),
      async () => {
        this.#shared.halves.push(name);
        await super.write(kind, name, bytes.slice(0, bytes.length / 2), signal);
      },
    );
  }

  override remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void> {
    return this.#run(() => super.remove(kind, name, signal));
  }

  async #run<Result>(call: () => Promise<Result>, half?: () => Promise<unknown>): Promise<Result> {
    const shared = this.#shared;
    if (!shared.isArmed) return await call();
    shared.calls++;
    if (shared.calls < shared.step || (shared.calls > shared.step && !shared.staysBroken)) {
      return await call();
    }
    if (shared.calls === shared.step) {
      if (shared.effect === 'unacknowledged') await call();
      if (shared.effect === 'half') await half?.();
    }
    throw new LifeboatError('location.unreachable', `injected fault: ${shared.effect}`, {
      retryable: true,
    });
  }
}
