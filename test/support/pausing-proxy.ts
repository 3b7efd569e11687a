import { type Relay, startRelay } from './relay.ts';

export interface PausingProxy extends Relay {
  /** Whether the marker came by. */
  readonly hasPaused: () => boolean;
}

/**
 * Forwards to a port of loopback. The first time that the server sends `marker`, that and what follows is held back until `during`
 * has ended: what happens there happens in the middle of what the client does.
 */
export async function startPausingProxy(
  port: number,
  marker: string,
  during: () => Promise<void>,
): Promise<PausingProxy> {
  let hasPaused = false;
  const relay = await startRelay(port, (chunk, client, upstream) => {
    if (hasPaused || !chunk.includes(marker)) {
      client.write(chunk);
      return;
    }
    hasPaused = true;
    upstream.pause();
    void during().finally(() => {
      client.write(chunk);
      upstream.resume();
    });
  });
  return { ...relay, hasPaused: () => hasPaused };
}
