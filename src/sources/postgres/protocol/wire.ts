import type { Socket } from 'node:net';
import { LifeboatError } from '../../../core/index.ts';
import { terminateMessage } from './frontend-messages.ts';
import { MessageFramer } from './message-framer.ts';

/** Handles one message. `true` (or a promise of it) ends the exchange. `body` is valid until it settles. */
export type MessageHandler = (
  type: number,
  body: Buffer,
) => boolean | undefined | Promise<boolean | undefined>;

interface Exchange {
  readonly handler: MessageHandler;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A socket and its messages, one exchange at a time. Bytes are read only while an exchange runs and none of its handlers is
 * pending: that is the whole back-pressure. Any failure closes the socket for good.
 */
export class Wire {
  readonly #framer = new MessageFramer();
  #socket: Socket | undefined;
  #exchange: Exchange | undefined;
  #handling = false;
  #failure: unknown;
  /** When bytes last arrived, for those who watch for a dead peer (performance.now()). */
  lastReadMs: number = performance.now();

  /** Called once, before the first exchange. */
  attach(socket: Socket): void {
    this.#socket = socket;
    socket.on('error', (error) => this.fail(lost(error)));
    socket.on('end', () => this.fail(lost()));
    socket.on('close', () => this.fail(lost()));
  }

  /** Takes what the socket read. False: stop reading until the wire resumes the socket itself. */
  receive(chunk: Buffer): boolean {
    this.lastReadMs = performance.now();
    this.#framer.push(chunk);
    return this.#drain();
  }

  get handling(): boolean {
    return this.#handling;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  send(bytes: Buffer): void {
    if (!this.failed) this.#socket?.write(bytes);
  }

  /** Gives every message to `handler` until it says true. Rejects with what the handler threw, or when the socket breaks. */
  exchange(handler: MessageHandler): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.failed) return reject(this.#failure);
      if (this.#exchange) {
        return reject(new LifeboatError('bug', 'two commands at once on one connection'));
      }
      this.#exchange = { handler, resolve, reject };
      if (this.#drain()) this.#socket?.resume();
    });
  }

  /** Closes the socket at once; a running exchange and all later ones reject with `error`. */
  fail(error: unknown): void {
    if (this.failed) return;
    this.#failure = error;
    this.#socket?.destroy();
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.reject(error);
  }

  /** Says goodbye when nothing is going on, so that the server logs no broken connection. */
  close(): void {
    const socket = this.#socket;
    if (socket && !this.failed && !this.#exchange) {
      socket.end(terminateMessage, () => socket.destroy());
      setTimeout(() => socket.destroy(), 1000).unref();
      this.#failure = lost();
      return;
    }
    this.fail(lost());
  }

  #drain(): boolean {
    if (this.#handling) return false;
    try {
      while (this.#exchange && this.#framer.next()) {
        const done = this.#exchange.handler(this.#framer.type, this.#framer.body);
        if (done instanceof Promise) {
          this.#handling = true;
          done.then(
            (ended) => this.#handled(ended),
            (error) => this.fail(error),
          );
          return false;
        }
        if (done) this.#finish();
      }
    } catch (error) {
      this.fail(error);
    }
    return this.#exchange !== undefined;
  }

  #handled(ended: boolean | undefined): void {
    this.#handling = false;
    if (this.failed) return;
    if (ended) this.#finish();
    if (this.#drain()) this.#socket?.resume();
  }

  #finish(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.resolve();
  }
}

export function lost(cause?: unknown): LifeboatError {
  const fact = (cause as NodeJS.ErrnoException | undefined)?.code;
  return new LifeboatError(
    'postgres.connection-lost',
    `the connection to the server broke${fact ? `: ${fact}` : ''}`,
    { retryable: true, cause },
  );
}
