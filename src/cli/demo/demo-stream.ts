import { cancelled, LifeboatError } from '../../core/index.ts';
import type { PostgresSource, StreamState } from '../../sources/index.ts';
import type { CommitLag } from './commit-lag.ts';
import type { DemoPlace } from './demo-place.ts';

export interface DemoStream extends AsyncDisposable {
  readonly source: PostgresSource;
  state(): StreamState;
  /** Resolves when `position` is durable in the spool or in the repository. */
  until(where: 'written' | 'flushed', position: bigint): Promise<void>;
}

/** Streams the log in the background and resolves as soon as bytes flow. */
export async function startDemoStream(
  { source, repository }: DemoPlace,
  lag: CommitLag,
  signal: AbortSignal,
): Promise<DemoStream> {
  const stop = new AbortController();
  let state: StreamState = { source: source.name, phase: 'connecting' };
  const watchers = new Set<() => void>();
  const running = source.stream({
    repository,
    signal: stop.signal,
    onState: (next) => {
      state = next;
      lag.follow(next);
      for (const watcher of watchers) watcher();
    },
  });
  const ended = running.then(
    () => new LifeboatError('postgres.connection-lost', 'the stream ended'),
    (error: unknown) => error,
  );
  const until = (isReached: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      const check = () => {
        if (signal.aborted) finish(() => reject(cancelled(signal)));
        else if (isReached()) finish(resolve);
      };
      const finish = (settle: () => void) => {
        watchers.delete(check);
        signal.removeEventListener('abort', check);
        settle();
      };
      watchers.add(check);
      signal.addEventListener('abort', check);
      ended.then((error) => finish(() => reject(error)));
      check();
    });
  const stream: DemoStream = {
    source,
    state: () => state,
    until: (where, position) => until(() => (state[where] ?? 0n) >= position),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
  try {
    await until(() => state.phase === 'streaming');
    return stream;
  } catch (error) {
    await stream[Symbol.asyncDispose]();
    throw error;
  }
}
