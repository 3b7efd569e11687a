import { LifeboatError, sleep } from '../../src/core/index.ts';
import type { ByteRange, FileInfo, FileKind, Location } from '../../src/repository/index.ts';
import { LocationDecorator } from '../../src/repository/location/location-decorator.ts';
import type { ObjectLock } from '../../src/repository/location/object-lock.ts';

export type FaultyOperation = 'create' | 'list' | 'read' | 'write' | 'remove' | 'retain';

/** One call that reached the location. */
export interface LocationCall {
  readonly operation: FaultyOperation;
  readonly kind: FileKind | undefined;
  readonly name: string | undefined;
  /** `''`, or the nested area: `lifeboat/`. */
  readonly area: string;
}

/** A fault is data: the nth call that matches (1 is the first, counted over nested areas too) goes wrong. */
export interface Fault {
  readonly operation: FaultyOperation | 'any';
  readonly kind?: FileKind;
  readonly area?: string;
  readonly nth: number;
  /**
   * `error`: nothing happens and the call fails. `half-write`: the first half lands under the full name, as where writes are not
   * atomic (a location that compares names and bytes refuses that), and the call fails. `lost-answer`: it is done, but the caller is told
   * it failed. The rest is acknowledged: `flip-bit`: one bit of what is read or written is wrong. `truncate`: half of what is read, or
   * listed, is missing. `slow`: it takes its time, and hears when it is called off.
   */
  readonly effect: 'error' | 'half-write' | 'lost-answer' | 'flip-bit' | 'truncate' | 'slow';
  /** Whether trying again may help. Default true. */
  readonly retryable?: boolean;
}

interface Shared {
  readonly pending: { readonly fault: Fault; calls: number; fired: boolean }[];
  readonly calls: LocationCall[];
  readonly stopAfter: number;
}

const slowMs = 200;

/** Decorates a location with declared faults. `assertFired` fails when one of them never happened. */
export class FaultyLocation extends LocationDecorator {
  readonly #shared: Shared;
  readonly #area: string;

  constructor(
    inner: Location,
    options: { readonly faults?: readonly Fault[]; readonly stopAfterOperations?: number },
    nested?: { readonly shared: Shared; readonly area: string },
  ) {
    super(inner);
    this.#area = nested?.area ?? '';
    this.#shared = nested?.shared ?? {
      pending: (options.faults ?? []).map((fault) => ({ fault, calls: 0, fired: false })),
      calls: [],
      stopAfter: options.stopAfterOperations ?? Number.POSITIVE_INFINITY,
    };
  }

  /** How many calls there were so far: a suite breaks each of them in turn. */
  get operations(): number {
    return this.#shared.calls.length;
  }

  /** What they were, in order. */
  get calls(): readonly LocationCall[] {
    return this.#shared.calls;
  }

  override create(signal?: AbortSignal): Promise<void> {
    return this.#run('create', undefined, undefined, signal, () => this.inner.create(signal));
  }

  override async list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    const call = async (effect?: Fault['effect']) => {
      const files = await this.inner.list(kind, signal);
      return effect === 'truncate' ? files.slice(0, files.length / 2) : files;
    };
    return await this.#run('list', kind, undefined, signal, call);
  }

  override read(
    kind: FileKind,
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    return this.#run('read', kind, name, signal, async (effect) => {
      const bytes = await this.inner.read(kind, name, range, signal);
      if (effect === 'truncate') return bytes.slice(0, bytes.length / 2);
      return effect === 'flip-bit' ? flipped(bytes) : bytes;
    });
  }

  override write(
    kind: FileKind,
    name: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    return this.#run('write', kind, name, signal, async (effect) => {
      if (effect === 'half-write') {
        await this.inner
          .write(kind, name, bytes.subarray(0, bytes.length / 2), signal)
          .catch(() => {});
      } else {
        await this.inner.write(kind, name, effect === 'flip-bit' ? flipped(bytes) : bytes, signal);
      }
    });
  }

  override remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void> {
    return this.#run('remove', kind, name, signal, () => this.inner.remove(kind, name, signal));
  }

  override get objectLock(): ObjectLock | undefined {
    const lock = this.inner.objectLock;
    if (lock === undefined) return undefined;
    return {
      promise: lock.promise,
      place: lock.place,
      untilFor: (now) => lock.untilFor(now),
      takeWritten: (kind, name) => lock.takeWritten(kind, name),
      retain: (kind, name, retention, signal) =>
        this.#run('retain', kind, name, signal, () => lock.retain(kind, name, retention, signal)),
    };
  }

  override nested(folder: string): Location {
    const area = `${this.#area}${folder}/`;
    return new FaultyLocation(this.inner.nested(folder), {}, { shared: this.#shared, area });
  }

  protected around(inner: Location): Location {
    return new FaultyLocation(inner, {}, { shared: this.#shared, area: this.#area });
  }

  assertFired(): void {
    const silent = this.#shared.pending.filter((each) => !each.fired).map((each) => each.fault);
    if (silent.length > 0) throw new Error(`never happened: ${JSON.stringify(silent)}`);
  }

  async #run<Result>(
    operation: FaultyOperation,
    kind: FileKind | undefined,
    name: string | undefined,
    signal: AbortSignal | undefined,
    call: (effect?: Fault['effect']) => Promise<Result>,
  ): Promise<Result> {
    this.#shared.calls.push({ operation, kind, name, area: this.#area });
    // Stopped is stopped: as when the process was killed, nothing ever happens again.
    if (this.#shared.calls.length > this.#shared.stopAfter) throw failure('stopped', false);
    const due = this.#shared.pending.filter(({ fault }) => {
      const here = (fault.area ?? this.#area) === this.#area && (fault.kind ?? kind) === kind;
      return here && (fault.operation === operation || fault.operation === 'any');
    });
    for (const each of due) each.calls++;
    const now = due.find((each) => each.calls === each.fault.nth && !each.fired);
    if (now === undefined) return await call();
    now.fired = true;
    const { effect, retryable = true } = now.fault;
    if (effect === 'flip-bit' || effect === 'truncate') return await call(effect);
    if (effect === 'slow') {
      await sleep(slowMs, signal);
      return await call();
    }
    if (effect === 'lost-answer') await call();
    if (effect === 'half-write' && operation === 'write') await call(effect);
    throw failure(effect, retryable);
  }
}

function failure(effect: string, retryable: boolean): LifeboatError {
  return new LifeboatError('location.unreachable', `injected fault: ${effect}`, { retryable });
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes);
  const middle = copy.length >> 1;
  if (copy.length > 0) copy[middle] = (copy[middle] as number) ^ 1;
  return copy;
}
