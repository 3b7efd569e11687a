import { LifeboatError } from '../../src/core/index.ts';
import type { ByteRange, FileInfo, FileKind, Location } from '../../src/repository/index.ts';

export type FaultyOperation = 'create' | 'list' | 'read' | 'write' | 'remove';

/** A fault is data: the nth call of an operation (1 is the first, counted over nested areas too) goes wrong. */
export interface Fault {
  readonly operation: FaultyOperation;
  readonly kind?: FileKind;
  readonly nth: number;
  /**
   * `error`: nothing happens and the call fails. `half-write`: the first half lands under the full
   * name, as where writes are not atomic (a location that compares names and bytes refuses that), and
   * the call fails. `lost-answer`: it is done, but the caller is told it failed.
   */
  readonly effect: 'error' | 'half-write' | 'lost-answer';
  /** Whether trying again may help. Default true. */
  readonly retryable?: boolean;
}

interface Shared {
  readonly pending: { readonly fault: Fault; calls: number; fired: boolean }[];
  operations: number;
  stopAfter: number;
}

/** Decorates a location with declared faults. `assertFired` fails when one of them never happened. */
export class FaultyLocation implements Location {
  readonly #inner: Location;
  readonly #shared: Shared;

  constructor(
    inner: Location,
    options: { readonly faults?: readonly Fault[]; readonly stopAfterOperations?: number },
    shared?: Shared,
  ) {
    this.#inner = inner;
    this.#shared = shared ?? {
      pending: (options.faults ?? []).map((fault) => ({ fault, calls: 0, fired: false })),
      operations: 0,
      stopAfter: options.stopAfterOperations ?? Number.POSITIVE_INFINITY,
    };
  }

  get kind(): string {
    return this.#inner.kind;
  }

  /** How many calls there were so far. */
  get operations(): number {
    return this.#shared.operations;
  }

  describe(): string {
    return this.#inner.describe();
  }

  create(signal?: AbortSignal): Promise<void> {
    return this.#run('create', undefined, () => this.#inner.create(signal));
  }

  list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> {
    return this.#run('list', kind, () => this.#inner.list(kind, signal));
  }

  read(kind: FileKind, name: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#run('read', kind, () => this.#inner.read(kind, name, range, signal));
  }

  write(kind: FileKind, name: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    const half = () => this.#inner.write(kind, name, bytes.subarray(0, bytes.length / 2), signal);
    const whole = () => this.#inner.write(kind, name, bytes, signal);
    return this.#run('write', kind, whole, half);
  }

  remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void> {
    return this.#run('remove', kind, () => this.#inner.remove(kind, name, signal));
  }

  nested(folder: string): Location {
    return new FaultyLocation(this.#inner.nested(folder), {}, this.#shared);
  }

  assertFired(): void {
    const silent = this.#shared.pending.filter((each) => !each.fired).map((each) => each.fault);
    if (silent.length > 0) throw new Error(`never happened: ${JSON.stringify(silent)}`);
  }

  async #run<Result>(
    operation: FaultyOperation,
    kind: FileKind | undefined,
    call: () => Promise<Result>,
    half?: () => Promise<Result>,
  ): Promise<Result> {
    this.#shared.operations++;
    // Stopped is stopped: as when the process was killed, nothing ever happens again.
    if (this.#shared.operations > this.#shared.stopAfter) throw failure('stopped', false);
    const due = this.#shared.pending.filter(({ fault }) => {
      return fault.operation === operation && (fault.kind ?? kind) === kind;
    });
    for (const each of due) each.calls++;
    const now = due.find((each) => each.calls === each.fault.nth && !each.fired);
    if (now === undefined) return await call();
    now.fired = true;
    const { effect, retryable } = now.fault;
    if (effect === 'lost-answer') await call();
    if (effect === 'half-write') await half?.().catch(() => {});
    throw failure(effect, retryable ?? true);
  }
}

function failure(effect: string, retryable: boolean): LifeboatError {
  return new LifeboatError('location.unreachable', `injected fault: ${effect}`, { retryable });
}
