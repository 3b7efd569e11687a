const heardMax = 512;
const samplesMax = 256;

interface Heard {
  readonly position: bigint;
  readonly atMs: number;
}

type Shown<Kind extends string> = { readonly [Name in `${Kind}Until`]?: Date } & {
  readonly [Name in `${Kind}Ms`]?: number;
};

/**
 * What would be lost now, and how long WAL takes: from when a position was heard of to when it was reached. One of each kind
 * (spool, repository).
 */
export class Exposure {
  readonly #heard: Heard[] = [];
  readonly #samplesMs: number[] = [];
  #nextSample = 0;
  #untilMs: number | undefined;
  #reached = 0n;
  /** Of what is heard, every how many-th is remembered. */
  #stride = 1;
  #passed = 0;

  /** The server's log ended at `position`. */
  heard(position: bigint, atMs: number): void {
    const last = this.#heard.at(-1);
    if (last && position < last.position) this.#heard.length = 0;
    // Another timeline, or the same segment once more.
    if (position < this.#reached) this.#reached = position;
    if (this.#heard.length === 0) this.#stride = 1;
    this.#passed += 1;
    if (this.#passed < this.#stride) return;
    this.#passed = 0;
    this.#heard.push({ position, atMs });
    if (this.#heard.length < heardMax) return;
    // A long backlog is remembered more coarsely: then less counts as safe than is.
    this.#stride *= 2;
    const kept = this.#heard.filter((_, index) => index % 2 === 0);
    this.#heard.splice(0, this.#heard.length, ...kept);
  }

  /** Everything before `position` is safe now. */
  reached(position: bigint, nowMs: number): void {
    while (this.#heard[0] && this.#heard[0].position <= position) {
      const heard = this.#heard.shift() as Heard;
      this.#untilMs = heard.atMs;
      // A server that has nothing new says so again and again.
      if (heard.position > this.#reached) this.#sample(nowMs - heard.atMs);
      this.#reached = heard.position;
    }
  }

  /** Until when what the server had written is safe, and the median duration, named for `StreamState`. */
  as<Kind extends 'written' | 'flushed'>(kind: Kind): Shown<Kind> {
    const medianMs = this.#medianMs();
    return {
      ...(this.#untilMs === undefined ? {} : { [`${kind}Until`]: new Date(this.#untilMs) }),
      ...(medianMs === undefined ? {} : { [`${kind}Ms`]: medianMs }),
    } as Shown<Kind>;
  }

  #medianMs(): number | undefined {
    const sorted = this.#samplesMs.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  #sample(durationMs: number): void {
    this.#samplesMs[this.#nextSample] = durationMs;
    this.#nextSample = (this.#nextSample + 1) % samplesMax;
  }
}
