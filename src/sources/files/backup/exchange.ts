import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { LifeboatError } from '../../../core/index.ts';
import type { WorkerMessage } from './worker-messages.ts';

/** Words of the memory that the workers of a backup share; an inbox counter for each follows. */
export const exchangeWord = { hungry: 0, stop: 1, checkpoint: 2, isLast: 3, inboxes: 4 } as const;

/**
 * How worker threads hand work to each other: whoever runs out of work says so, whoever has some to spare sends it. All
 * calls are synchronous; a thread without work sleeps until its inbox counter moves.
 */
export class Exchange {
  readonly #own: number;
  readonly #ports: readonly (MessagePort | undefined)[];
  readonly #words: Int32Array;
  readonly #inbox: number;
  #seen = 0;
  #isOffering = false;
  /** The last one that was begun. */
  #checkpoint = 0;

  /** `ports[i]` leads to worker i; the last one to the main thread. */
  constructor(own: number, ports: readonly (MessagePort | undefined)[], memory: SharedArrayBuffer) {
    this.#own = own;
    this.#ports = ports;
    this.#words = new Int32Array(memory);
    this.#inbox = exchangeWord.inboxes + own;
  }

  get isAnyoneHungry(): boolean {
    return (Atomics.load(this.#words, exchangeWord.hungry) & ~(1 << this.#own)) !== 0;
  }

  /** A hungry worker, who is now owed one piece of work. */
  takeHungry(): number | undefined {
    for (let other = 0; other < this.#ports.length - 1; other++) {
      const bit = 1 << other;
      if (other === this.#own) continue;
      if ((Atomics.load(this.#words, exchangeWord.hungry) & bit) === 0) continue;
      const before = Atomics.and(this.#words, exchangeWord.hungry, ~bit);
      if ((before & bit) !== 0) return other;
    }
    return undefined;
  }

  send(to: number, message: WorkerMessage): void {
    this.#ports[to]?.postMessage(message);
    const inbox = exchangeWord.inboxes + to;
    Atomics.add(this.#words, inbox, 1);
    Atomics.notify(this.#words, inbox);
  }

  /** Offers to take work, before one's own is quite done; `withdraw` follows it before anything else is begun. */
  offer(): void {
    this.#isOffering = true;
    Atomics.or(this.#words, exchangeWord.hungry, 1 << this.#own);
  }

  /**
   * What has arrived. Waits for something, with the offer to take work from others, or until a checkpoint is wanted: that is nothing
   * to read, but to do. Errors: `cancelled`.
   */
  receive(): WorkerMessage[] {
    this.offer();
    for (;;) {
      const messages = this.poll();
      if (messages.length > 0) return [...messages, ...this.withdraw(messages)];
      if (this.isCheckpointWanted) return this.withdraw();
      this.#sleep();
    }
  }

  /**
   * Takes back the offer, if there is one. When somebody has taken it, waits for the work, unless that is in `received`, and returns what
   * has arrived. Errors: `cancelled`.
   */
  withdraw(received: readonly WorkerMessage[] = []): WorkerMessage[] {
    if (!this.#isOffering) return [];
    this.#isOffering = false;
    const bit = 1 << this.#own;
    const offers = Atomics.and(this.#words, exchangeWord.hungry, ~bit);
    const isOwedWork = (offers & bit) === 0;
    const messages: WorkerMessage[] = [];
    // Whoever took the offer has sent work or is about to.
    while (isOwedWork && ![...received, ...messages].some(isWork)) {
      messages.push(...this.#next());
    }
    return messages;
  }

  /** What has arrived. Waits for something, or until a checkpoint is wanted, but takes no work. Errors: `cancelled`. */
  answers(): WorkerMessage[] {
    for (;;) {
      const messages = this.#next();
      if (messages.length > 0 || this.isCheckpointWanted) return messages;
    }
  }

  #next(): WorkerMessage[] {
    const messages = this.poll();
    if (messages.length === 0) this.#sleep();
    return messages;
  }

  poll(): WorkerMessage[] {
    this.throwIfStopped();
    const now = Atomics.load(this.#words, this.#inbox);
    if (now === this.#seen) return [];
    this.#seen = now;
    const messages: WorkerMessage[] = [];
    for (const port of this.#ports) {
      if (port === undefined) continue;
      for (;;) {
        const received = receiveMessageOnPort(port) as { message: WorkerMessage } | undefined;
        if (received === undefined) break;
        messages.push(received.message);
      }
    }
    return messages;
  }

  throwIfStopped(): void {
    if (Atomics.load(this.#words, exchangeWord.stop) === 0) return;
    throw new LifeboatError('cancelled', 'the backup has ended');
  }

  /** The main thread wants one, and `beginCheckpoint` has not seen it yet. */
  get isCheckpointWanted(): boolean {
    return Atomics.load(this.#words, exchangeWord.checkpoint) !== this.#checkpoint;
  }

  /** The number of the checkpoint that is wanted. */
  beginCheckpoint(): number {
    this.#checkpoint = Atomics.load(this.#words, exchangeWord.checkpoint);
    return this.#checkpoint;
  }

  /** The backup is being cancelled: what is read from now on would only delay that. */
  get isLastCheckpoint(): boolean {
    return Atomics.load(this.#words, exchangeWord.isLast) === 1;
  }

  /** Until the next checkpoint is wanted. Messages stay where they are. Errors: `cancelled`. */
  waitForCheckpoint(): void {
    while (!this.isCheckpointWanted) {
      this.throwIfStopped();
      Atomics.wait(this.#words, exchangeWord.checkpoint, this.#checkpoint, 100);
    }
  }

  #sleep(): void {
    Atomics.wait(this.#words, this.#inbox, this.#seen, 1000);
  }
}

/** It comes only to those who offered to take it. */
export function isWork({ type }: WorkerMessage): boolean {
  return type === 'job' || type === 'range';
}
