import { formatBytes } from '../../core/index.ts';
import type { StreamState } from '../../sources/index.ts';
import { formatLsn } from '../../wal/index.ts';
import type { Style } from './style.ts';

const jsonIntervalMs = 10_000;

/** Streams report several times a second; this decides what of it is told. */
export class StreamLog {
  readonly #told = new Map<string, { news: string; atMs: number }>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** True when what a line would say changed since it was last told; remembers it as told. One problem spans several phases. */
  isNews(state: StreamState): boolean {
    const news = state.problem ?? state.phase;
    const isNews = this.#told.get(state.source)?.news !== news;
    if (isNews) this.#told.set(state.source, { news, atMs: this.#now() });
    return isNews;
  }

  /** On a terminal everything (it is drawn in place); in JSON news at once and positions every ten seconds. */
  isWorthTelling(state: StreamState, mode: 'terminal' | 'json'): boolean {
    if (mode === 'terminal') return true;
    const told = this.#told.get(state.source);
    const now = this.#now();
    const due = !told || told.news !== newsOf(state) || now - told.atMs >= jsonIntervalMs;
    if (due) this.#told.set(state.source, { news: newsOf(state), atMs: now });
    return due;
  }

  describe(state: StreamState, { yellow, dim }: Style): string {
    const { source, phase, written, flushed, serverEnd, problem } = state;
    if (problem) return yellow(`${source}: ${problem}`);
    const behind = (position: bigint | undefined) =>
      position === undefined || serverEnd === undefined || serverEnd <= position
        ? 'all of it'
        : `all but ${formatBytes(Number(serverEnd - position))}`;
    if (phase !== 'streaming' || serverEnd === undefined) return `${source}: ${phase}`;
    return `${source}: streaming ${formatLsn(serverEnd)} ${dim(`in the spool ${behind(written)}, in the repository ${behind(flushed)}`)}`;
  }
}

function newsOf({ phase, problem }: StreamState): string {
  return `${phase} ${problem ?? ''}`;
}
