import { cancelled, LifeboatError } from '../../../core/index.ts';
import { formatLsn, lsn } from '../../../wal/index.ts';
import { Backend, isAside, readLsn, unexpected } from './backend-messages.ts';
import { copyDataMessage, copyDoneMessage, queryMessage } from './frontend-messages.ts';
import type { ReplicationEnd, StartReplication } from './replication-connection.ts';
import { ResultCollector } from './result-collector.ts';
import { commandError, quoteIdentifier } from './server-error.ts';
import { lost, type Wire } from './wire.ts';

/** Well below wal_sender_timeout's default of 60 s and at the lower end of what wal_receiver_status_interval has (10 s). */
const statusIntervalMs = 2000;
/** After this long without a byte the server is asked for a sign of life. */
const quietMs = 20_000;
/** After this long without one it counts as gone (wal_receiver_timeout's default). */
const deadMs = 60_000;
const replyIntervalMs = 20;
/** How long a server may take to end the stream after we asked for it. */
const endTimeoutMs = 5000;

/** Runs START_REPLICATION on a wire (documentation, "Streaming Replication Protocol"). */
export async function streamPhysical(
  wire: Wire,
  options: StartReplication,
): Promise<ReplicationEnd> {
  if (options.signal.aborted) throw cancelled(options.signal);
  const stream = new PhysicalStream(wire, options);
  const timer = setInterval(() => stream.tick(), statusIntervalMs);
  const onAbort = () => stream.stop();
  options.signal.addEventListener('abort', onAbort, { once: true });
  try {
    wire.send(queryMessage(startCommand(options)));
    await wire.exchange((type, body) => stream.handle(type, body));
    return stream.end();
  } catch (error) {
    // Whoever asked for the end does not care how the connection took it.
    if (stream.stopping) return { kind: 'aborted' };
    throw error;
  } finally {
    clearInterval(timer);
    stream.release();
    options.signal.removeEventListener('abort', onAbort);
  }
}

function startCommand({ slot, start, timeline }: StartReplication): string {
  const slotClause = slot === undefined ? '' : `SLOT ${quoteIdentifier(slot)} `;
  return `START_REPLICATION ${slotClause}PHYSICAL ${formatLsn(start)} TIMELINE ${timeline}`;
}

class PhysicalStream {
  readonly #wire: Wire;
  readonly #options: StartReplication;
  readonly #result = new ResultCollector();
  #next: { readonly nextTimeline: number; readonly switchLsn: string } | undefined;
  #copying = false;
  #copyDoneSent = false;
  #error: LifeboatError | undefined;
  #endTimer: NodeJS.Timeout | undefined;
  #replyTimer: NodeJS.Timeout | undefined;
  #lastReplyMs = Number.NEGATIVE_INFINITY;
  stopping = false;

  constructor(wire: Wire, options: StartReplication) {
    this.#wire = wire;
    this.#options = options;
  }

  handle(type: number, body: Buffer): boolean | undefined | Promise<undefined> {
    switch (type) {
      case Backend.copyData:
        return this.#copyData(body);
      case Backend.copyBothResponse:
        this.#copying = true;
        this.#options.onStarted?.(() => this.#sendStatus(false));
        if (this.stopping) this.stop();
        return undefined;
      case Backend.copyDone:
        this.#sendCopyDone();
        return undefined;
      case Backend.rowDescription:
        this.#result.begin(body);
        return undefined;
      case Backend.dataRow:
        this.#result.add(body);
        return undefined;
      case Backend.commandComplete:
        this.#takeNext();
        return undefined;
      case Backend.error:
        this.#error = commandError(body);
        if (this.#error.code === 'postgres.connection-lost') throw this.#error;
        return undefined;
      case Backend.readyForQuery:
        return true;
      default:
        if (isAside(type)) return undefined;
        throw unexpected(type, 'replication');
    }
  }

  #copyData(body: Buffer): undefined | Promise<undefined> {
    const kind = body[0];
    if (kind === 0x77 && body.length >= 25) {
      if (this.stopping) return undefined;
      const done = this.#options.onData({
        start: lsn(body.readBigUInt64BE(1)),
        serverEnd: lsn(body.readBigUInt64BE(9)),
        serverTimeUs: body.readBigInt64BE(17),
        payload: body.subarray(25),
      });
      return done ? done.then(() => undefined) : undefined;
    }
    if (kind === 0x6b && body.length >= 18) {
      const replyWanted = body[17] === 1;
      this.#options.onKeepalive?.(lsn(body.readBigUInt64BE(1)), replyWanted);
      if (replyWanted) this.#reply();
      return undefined;
    }
    throw new LifeboatError('postgres.protocol', 'the server sent a stream message that is wrong');
  }

  /**
   * A server that shuts down asks again after every answer until all it sent is flushed, so answers that come too fast for
   * anything to have changed are held back a little.
   */
  #reply(): void {
    if (performance.now() - this.#lastReplyMs >= replyIntervalMs) this.#sendStatus(false);
    else this.#replyTimer ??= setTimeout(() => this.#sendStatus(false), replyIntervalMs);
  }

  /** Timer: reports, and notices a server that is gone without a word. Silence counts only while we listen. */
  tick(): void {
    const quiet = this.#wire.handling ? 0 : performance.now() - this.#wire.lastReadMs;
    if (quiet > deadMs) this.#wire.fail(lost({ code: 'ETIMEDOUT' }));
    else this.#sendStatus(quiet > quietMs);
  }

  /** Asks the server to end the stream; gives up waiting for it after a while. */
  stop(): void {
    this.stopping = true;
    this.#endTimer ??= setTimeout(() => this.#wire.fail(lost()), endTimeoutMs);
    if (!this.#copying) return;
    this.#sendStatus(false);
    this.#sendCopyDone();
  }

  release(): void {
    clearTimeout(this.#endTimer);
    clearTimeout(this.#replyTimer);
  }

  end(): ReplicationEnd {
    if (this.stopping) return { kind: 'aborted' };
    if (this.#error) throw this.#error;
    if (!this.#next) {
      throw new LifeboatError(
        'postgres.connection-lost',
        'the server ended the stream without saying why',
        { retryable: true },
      );
    }
    const { nextTimeline, switchLsn } = this.#next;
    return { kind: 'timeline-ended', nextTimeline, switchLsn: readLsn(switchLsn) };
  }

  #takeNext(): void {
    const row = this.#result.take()?.rows[0];
    if (!row) return;
    const [nextTimeline, switchLsn] = row;
    this.#next = { nextTimeline: Number(nextTimeline), switchLsn: switchLsn ?? '' };
  }

  /** 'r': written, flushed, applied, client clock, reply wanted. Applied stays invalid (0): nothing is applied here. */
  #sendStatus(replyWanted: boolean): void {
    if (!this.#copying || this.#copyDoneSent) return;
    clearTimeout(this.#replyTimer);
    this.#replyTimer = undefined;
    this.#lastReplyMs = performance.now();
    const { written, flushed } = this.#options.status();
    const message = Buffer.alloc(34);
    message.write('r', 0, 'latin1');
    message.writeBigUInt64BE(written, 1);
    message.writeBigUInt64BE(flushed, 9);
    message.writeBigInt64BE(postgresClockUs(), 25);
    message[33] = replyWanted ? 1 : 0;
    this.#wire.send(copyDataMessage(message));
  }

  #sendCopyDone(): void {
    if (this.#copyDoneSent) return;
    this.#copyDoneSent = true;
    this.#wire.send(copyDoneMessage);
  }
}

/** Microseconds since 2000-01-01 UTC. */
function postgresClockUs(): bigint {
  return (BigInt(Date.now()) - 946_684_800_000n) * 1000n;
}
