/** Nothing heard for that long: the server is taken for gone. */
const silenceTimeoutMs = 60_000;
/** The slowest upload that is still waited for. */
const slowestBytesPerMs = 16;

/** Calls `onSilence` when a server says nothing for too long; an upload is given its time first. */
export class SilenceWatch implements Disposable {
  readonly #onSilence: () => void;
  #timer: NodeJS.Timeout;
  #isListening = false;
  fellSilent = false;

  constructor(uploadBytes: number, onSilence: () => void) {
    this.#onSilence = onSilence;
    this.#timer = this.#start(silenceTimeoutMs + uploadBytes / slowestBytesPerMs);
  }

  /** Called for every part that arrives. */
  readonly heard = (): void => {
    if (this.#isListening) return void this.#timer.refresh();
    this.#isListening = true;
    clearTimeout(this.#timer);
    this.#timer = this.#start(silenceTimeoutMs);
  };

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #start(durationMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.fellSilent = true;
      this.#onSilence();
    }, durationMs);
  }
}
