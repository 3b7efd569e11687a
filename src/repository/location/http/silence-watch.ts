/** Nothing sent and nothing heard for that long: the server is taken for gone. */
const silenceTimeoutMs = 60_000;

/** Calls `onSilence` when nothing moves for too long. */
export class SilenceWatch implements Disposable {
  readonly #timer: NodeJS.Timeout;
  fellSilent = false;

  constructor(onSilence: () => void) {
    this.#timer = setTimeout(() => {
      this.fellSilent = true;
      onSilence();
    }, silenceTimeoutMs);
  }

  /** Called for every part that was sent or has arrived. */
  readonly moved = (): void => {
    this.#timer.refresh();
  };

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
