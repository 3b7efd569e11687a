import { isLifeboatError, LifeboatError } from '../../../core/index.ts';
import { formatLsn, type Lsn, lsn, segmentStart } from '../../../wal/index.ts';
import { type ConnectionSettings, describePlace } from '../connection-settings.ts';
import { connectReplication } from '../protocol/connect-replication.ts';
import type {
  ReplicationConnection,
  ReplicationEnd,
  StreamMessage,
} from '../protocol/replication-connection.ts';
import { ArrivedWal } from './arrived-wal.ts';
import { resolveConflict } from './conflict.ts';
import type { Exposure } from './exposure.ts';
import { aheadAlarm, type Guarantees } from './guarantees.ts';
import { leaveGivenUp } from './leave-given-up.ts';
import type { LogCoverage } from './log-coverage.ts';
import { identify } from './server-identity.ts';
import { createSlot, dropSlotOn, slotError, slotPosition, sqlstateOf } from './slot.ts';
import type { SlotAhead } from './slot-ahead.ts';
import type { Spool } from './spool.ts';
import { judgeSpool } from './spool-pressure.ts';
import { claimCluster, findStart, followHistory, heldBefore } from './start-position.ts';
import type { StreamLimits, StreamOptions } from './stream-options.ts';
import type { StatePublisher } from './stream-state.ts';
import type { Uploader } from './uploader.ts';
import type { WalPosition } from './wal-position.ts';

/** A server that asks for answers this many times without sending WAL, while we lag, waits for us in its shutdown. */
const impatientMin = 100;
/** How long its shutdown waits for a repository that does not answer. The slot keeps the WAL for later. */
const shutdownPatienceMs = 5000;
const spaceCheckMs = 200;
/** So much may wait in memory for the spool. */
const arrivedBytesMax = 4 * 2 ** 20;
/** With less at hand the next write waits for the sync that runs: by then there is more to write at once. */
const worthWritingBytes = 256 * 1024;

export interface SessionContext {
  readonly options: StreamOptions;
  readonly limits: StreamLimits;
  readonly spool: Spool;
  readonly coverage: LogCoverage;
  readonly uploader: Uploader;
  readonly state: StatePublisher;
  readonly guarantees: Guarantees;
  readonly ahead: SlotAhead;
  /** Of what is in the spool, and of what is in the repository. */
  readonly exposure: { readonly written: Exposure; readonly flushed: Exposure };
  readonly warn: (message: string) => void;
  /** Brings the rest into the repository, as far as that is possible in time. */
  readonly finishUpload: () => Promise<void>;
  readonly onStreaming: () => void;
}

/** Where the next session must go on; undefined when the spool says it. */
export type SessionEnd = WalPosition | undefined;

/** One connection, from login to its end: the server's timeline ended, or the signal stopped it. */
export class StreamSession {
  readonly #context: SessionContext;
  /** Ends the stream on our side. */
  readonly #inner = new AbortController();
  #sendStatus: () => void = () => {};
  #server: ConnectionSettings | undefined;
  #isStandby = false;
  #timeline = 0;
  readonly #arrived = new ArrivedWal();
  #appending: Promise<void> | undefined;
  #committing: Promise<void> | undefined;
  #failure: unknown;
  #stopping = false;
  /** Neither spool nor log hold anything of what comes before this session. */
  #isFirst = false;
  #hasReceived = false;
  #serverEnd: Lsn = lsn(0n);
  #impatient = 0;
  #impatientSinceMs = 0;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** The one it is connected to. */
  get server(): ConnectionSettings | undefined {
    return this.#server;
  }

  async run(settings: ConnectionSettings, given: WalPosition | undefined): Promise<SessionEnd> {
    const { options, spool, coverage, uploader, state } = this.#context;
    const setup = new AbortController();
    const onAbort = () => setup.abort(options.signal.reason);
    options.signal.addEventListener('abort', onAbort, { once: true });
    try {
      await using connection = await connectReplication(settings, {
        signal: setup.signal,
        applicationName: options.applicationName ?? options.slot,
      });
      this.#server = connection.settings;
      const server = await identify(connection);
      this.#isStandby = server.isStandby;
      await claimCluster(server, options.systemId, spool, coverage);
      uploader.learnCoverage();
      const warn = this.#context.warn;
      await leaveGivenUp(server, this.#context, uploader, warn, options.signal);
      const wanted = given ?? (await findStart(connection, server, options.slot, spool, coverage));
      const position = await followHistory(connection, server, wanted, this.#context, warn);
      this.#isFirst = spool.segments.length === 0 && coverage.isEmpty;
      const before = given ? undefined : heldBefore(position, server, spool, coverage);
      const segment = await spool.begin(before ?? position);
      await this.#findSlotAhead(connection, position, server.segmentSizeBytes);
      // Without a file of its own to compare with, the log's copy is compared when it is offered again.
      if (before && segment.lengthBytes === 0) uploader.offerAgain(segment);
      uploader.learnCoverage();
      // From here on an abort is a clean stop, which needs the connection.
      options.signal.removeEventListener('abort', onAbort);
      const end = await this.#streamFrom(connection, before, position);
      // The server has no more of what could be compared.
      if (end === undefined) return position;
      if (end.kind === 'aborted') return undefined;
      return await this.#nextTimeline(position, end, server.segmentSizeBytes);
    } finally {
      options.signal.removeEventListener('abort', onAbort);
      state.phase('connecting');
      // Nothing of this session may touch the spool when the next one begins.
      this.#stopping = true;
      await this.#settled();
    }
  }

  /** An append that ends may still begin a commit. */
  async #settled(): Promise<void> {
    await this.#appending;
    await this.#committing;
  }

  /** Where the slot may run ahead it may have done so for a former process, too. */
  async #findSlotAhead(
    connection: ReplicationConnection,
    position: WalPosition,
    segmentSizeBytes: number,
  ): Promise<void> {
    const { options, ahead } = this.#context;
    this.#timeline = position.timeline;
    ahead.begin(position, segmentSizeBytes);
    if (!options.slotMayRunAhead) return;
    const kept = await slotPosition(connection, options.slot, segmentSizeBytes);
    if (kept) ahead.follow(kept);
  }

  /** From `before` where that is possible; undefined when the server has only what begins at `position`. */
  async #streamFrom(
    connection: ReplicationConnection,
    before: WalPosition | undefined,
    position: WalPosition,
  ): Promise<ReplicationEnd | undefined> {
    if (!before) return await this.#stream(connection, position);
    try {
      return await this.#stream(connection, before);
    } catch (error) {
      if (this.#hasReceived || !isLifeboatError(error, 'postgres.slot-lost')) throw error;
      return undefined;
    }
  }

  async #stream(connection: ReplicationConnection, position: WalPosition): Promise<ReplicationEnd> {
    const { signal } = this.#context.options;
    const onAbort = () => void this.#stop();
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const end = await this.#startOrRecreate(connection, position);
      // The last of a timeline belongs to the spool before that ends it, too.
      if (end.kind === 'timeline-ended') await this.#appending;
      if (this.#failure) throw this.#failure;
      return end;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /**
   * A slot that is gone (dropped by hand, or the server is a promoted standby) is no loss as long as the server still
   * has the WAL that continues ours: it is made again, with a warning. Otherwise `postgres.slot-lost`.
   */
  async #startOrRecreate(
    connection: ReplicationConnection,
    position: WalPosition,
  ): Promise<ReplicationEnd> {
    const { slot } = this.#context.options;
    try {
      return await this.#start(connection, position);
    } catch (error) {
      if (sqlstateOf(error) !== '42704') throw this.#slotError(error, position);
    }
    await createSlot(connection, slot);
    try {
      this.#context.warn(
        `the slot ${slot} was gone and has been made again; the stream goes on at ${formatLsn(position.start)}`,
      );
      return await this.#start(connection, position);
    } catch (error) {
      // An unused slot would keep WAL until the server's disk is full.
      if (sqlstateOf(error) === '58P01') await dropSlotOn(connection, slot);
      throw this.#slotError(error, position);
    }
  }

  #slotError(error: unknown, { start }: WalPosition): unknown {
    const server = this.#server && { server: describePlace(this.#server) };
    const context = { ...server, isStandby: this.#isStandby };
    return slotError(error, this.#context.options.slot, start, context);
  }

  #start(connection: ReplicationConnection, position: WalPosition): Promise<ReplicationEnd> {
    const { options, state } = this.#context;
    return connection.startPhysicalReplication({
      slot: options.slot,
      ...position,
      signal: this.#inner.signal,
      onStarted: (sendStatus) => {
        this.#sendStatus = sendStatus;
        this.#context.onStreaming();
        state.phase('streaming');
        state.problem('server', undefined);
      },
      onData: (message) => this.#receive(message),
      onKeepalive: (serverEnd, replyWanted) => this.#keepalive(serverEnd, replyWanted),
      status: () => ({ written: this.#written(), flushed: this.#told() }),
    });
  }

  #receive(message: StreamMessage): Promise<void> | undefined {
    if (this.#stopping) return undefined;
    this.#hasReceived = true;
    this.#hear(message.serverEnd);
    this.#impatient = 0;
    this.#arrived.add(message);
    this.#appending ??= this.#appendArrived();
    return this.#arrived.bytes < arrivedBytesMax ? undefined : this.#appending;
  }

  /** Never rejects: a failure ends the stream. */
  async #appendArrived(): Promise<void> {
    try {
      for (let next = this.#arrived.take(); next; next = this.#arrived.take()) {
        await this.#append(next);
        if (this.#arrived.bytes < worthWritingBytes) await this.#committing;
      }
    } catch (error) {
      this.#failure ??= error;
      this.#inner.abort();
    } finally {
      this.#appending = undefined;
    }
  }

  async #append({ start, payload }: Pick<StreamMessage, 'start' | 'payload'>): Promise<void> {
    const { spool, uploader } = this.#context;
    await this.#waitForSpace();
    if (this.#stopping) return;
    const segments = spool.segments.length;
    await spool.append(start, payload, (segment, bytes) =>
      resolveConflict(this.#context, segment, bytes),
    );
    if (spool.segments.length !== segments) {
      uploader.learnCoverage();
      uploader.segmentReady();
    }
    this.#committing ??= this.#commit();
  }

  /** Group commit: one sync covers everything that arrived while the former one ran. Then the server hears of it. */
  async #commit(): Promise<void> {
    try {
      while (this.#context.spool.hasUnsynced) {
        await this.#context.spool.sync();
        this.#sendStatus();
        this.publish();
        if (this.#context.guarantees.isHurried) this.#context.uploader.urge();
      }
    } catch (error) {
      this.#failure ??= error;
      this.#inner.abort();
    } finally {
      this.#committing = undefined;
    }
  }

  /** Back-pressure: while this waits nothing is read from the server, which keeps the WAL for its slot. */
  async #waitForSpace(): Promise<void> {
    const { spool, limits, state } = this.#context;
    const held = () => spool.bytesHeld - (spool.segments.at(-1)?.lengthBytes ?? 0);
    state.alarm('spool', judgeSpool(held(), limits.spoolBytesMax));
    if (held() < limits.spoolBytesMax) return;
    state.problem('spool', 'the spool is full; receiving pauses until the repository takes WAL');
    while (held() >= limits.spoolBytesMax && !this.#stopping) {
      await new Promise((resolve) => setTimeout(resolve, spaceCheckMs));
    }
    state.problem('spool', undefined);
  }

  #keepalive(serverEnd: Lsn, replyWanted: boolean): void {
    this.#hear(serverEnd);
    this.publish();
    if (!replyWanted || this.#told() >= this.#context.spool.written) {
      this.#impatient = 0;
      return;
    }
    this.#context.uploader.urge();
    if (this.#impatient === 0) this.#impatientSinceMs = performance.now();
    this.#impatient += 1;
    const waitedMs = performance.now() - this.#impatientSinceMs;
    if (this.#impatient >= impatientMin && waitedMs > shutdownPatienceMs) {
      throw new LifeboatError(
        'postgres.connection-lost',
        'the server waits in its shutdown for WAL that the repository does not take; it is let go',
        { retryable: true },
      );
    }
  }

  #written(): Lsn {
    const { spool } = this.#context;
    const current = spool.segments.at(-1);
    if (this.#isFirst && spool.segments.length === 1 && current?.synced === current?.start) {
      return lsn(0n);
    }
    return spool.written;
  }

  #hear(serverEnd: Lsn): void {
    const { exposure } = this.#context;
    const now = Date.now();
    this.#serverEnd = serverEnd;
    exposure.written.heard(serverEnd, now);
    exposure.flushed.heard(serverEnd, now);
  }

  /** Lets the slot go as far as the spool is now. What is written from here on waits for the next time. */
  followSpool(): void {
    this.#context.ahead.follow({ timeline: this.#timeline, start: this.#written() });
    this.#sendStatus();
    this.publish();
  }

  /** What the server hears as flushed. */
  #told(): Lsn {
    return this.#context.ahead.told(this.#flushed(), this.#written());
  }

  /** Never ahead of what the server sent on this connection. */
  #flushed(): Lsn {
    const { uploader, spool } = this.#context;
    const flushed = uploader.flushed ?? lsn(0n);
    if (flushed > spool.written) return spool.written;
    return flushed;
  }

  /** The repository has more: the slot may move on. */
  onFlushed(): void {
    this.#sendStatus();
    this.publish();
  }

  publish(): void {
    const { state, exposure, options, ahead, uploader } = this.#context;
    const written = this.#written();
    const flushed = this.#flushed();
    const now = Date.now();
    exposure.written.reached(written, now);
    exposure.flushed.reached(flushed, now);
    const isAhead = uploader.flushed !== undefined && ahead.isBeyond(uploader.flushed);
    state.alarm('ahead', isAhead ? aheadAlarm(options.slot) : undefined);
    state.positions(() => ({
      written,
      flushed,
      serverEnd: this.#serverEnd,
      ...exposure.written.as('written'),
      ...exposure.flushed.as('flushed'),
    }));
  }

  /** Last sync, last upload, last status, then the end: the slot is as far as it can be. */
  async #stop(): Promise<void> {
    this.#stopping = true;
    try {
      await this.#settled();
      await this.#context.spool.sync();
      await this.#context.finishUpload();
      this.publish();
    } catch (error) {
      this.#failure ??= error;
    } finally {
      this.#inner.abort();
    }
  }

  async #nextTimeline(
    position: WalPosition,
    end: Extract<ReplicationEnd, { kind: 'timeline-ended' }>,
    segmentSizeBytes: number,
  ): Promise<WalPosition> {
    const { nextTimeline, switchLsn } = end;
    if (!(nextTimeline > position.timeline)) {
      throw new LifeboatError(
        'postgres.protocol',
        'the server named a next timeline that is wrong',
      );
    }
    const lostEnd = await this.#context.spool.endTimeline();
    if (lostEnd !== undefined) {
      this.#context.warn(
        `timeline ${position.timeline} ended at ${formatLsn(switchLsn)}, where timeline ${nextTimeline} goes on: what was received of it after that, up to ${formatLsn(lostEnd)}, is kept, and can be restored by its name, but is no part of the server's history`,
      );
    }
    return { timeline: nextTimeline, start: segmentStart(switchLsn, segmentSizeBytes) };
  }
}
