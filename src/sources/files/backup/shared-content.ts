import { assert } from '../../../core/index.ts';
import type { SavedContent } from './content-text.ts';
import { type Exchange, isWork } from './exchange.ts';
import type { FileRange, WorkerMessage } from './worker-messages.ts';

export type RangeAnswer = Extract<WorkerMessage, { type: 'saved' | 'unread' }>;
type Hands = Pick<Exchange, 'isAnyoneHungry' | 'takeHungry' | 'send' | 'poll' | 'answers'>;
type Take = (content: SavedContent) => void;

/** The parts of one large file that other workers save. */
export class SharedContent {
  readonly #number: number;
  readonly #exchange: Hands;
  readonly #given = new Map<number, Take>();
  #ranges = 0;
  #problem: Error | undefined;
  #handle: (messages: readonly WorkerMessage[]) => void = () => {};
  #breathe: () => void = () => {};

  constructor(number: number, exchange: Hands) {
    this.#number = number;
    this.#exchange = exchange;
  }

  /** Who deals with the messages that arrive while a file is saved, and what else is done meanwhile. */
  attach(handle: (messages: readonly WorkerMessage[]) => void, breathe: () => void): void {
    this.#handle = handle;
    this.#breathe = breathe;
  }

  get isAnyoneHungry(): boolean {
    return this.#exchange.isAnyoneHungry;
  }

  /** False when nobody is hungry any more; else `take` is called at the latest within `settle`. */
  give(range: FileRange, take: Take): boolean {
    const to = this.#exchange.takeHungry();
    if (to === undefined) return false;
    const number = this.#ranges++;
    this.#given.set(number, take);
    this.#exchange.send(to, { type: 'range', from: this.#number, number, range });
    return true;
  }

  /** An answer has come. */
  take(answer: RangeAnswer): void {
    const take = this.#given.get(answer.number);
    this.#given.delete(answer.number);
    if (answer.type === 'saved') take?.(answer.content);
    else this.#problem ??= Object.assign(new Error(answer.message), { code: answer.code });
  }

  /** Between two chunks: looks after everything else. Throws what the file system said to others. */
  pause(): void {
    this.#pass(this.#exchange.poll());
    this.#breathe();
    if (this.#problem !== undefined) throw this.#problem;
  }

  /** Waits until nobody reads the file any more. Throws what the file system said to others. */
  settle(): void {
    // Takes no work meanwhile: the file would change before it is looked at again.
    while (this.#given.size > 0) {
      this.#pass(this.#exchange.answers());
      this.#breathe();
    }
    const problem = this.#problem;
    this.#problem = undefined;
    if (problem !== undefined) throw problem;
  }

  #pass(messages: readonly WorkerMessage[]): void {
    // It would use the buffer that holds what comes next in the file.
    assert(!messages.some(isWork), 'nobody sends work that was not asked for');
    this.#handle(messages);
  }
}
