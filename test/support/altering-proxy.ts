import { type Relay, startRelay } from './relay.ts';

export interface AlteringProxy extends Relay {
  /** How often the marker was altered. */
  readonly altered: () => number;
}

/** Forwards to a port of loopback and flips a bit in the first `marker` that the server sends, as a bad cable would. */
export async function startAlteringProxy(port: number, marker: string): Promise<AlteringProxy> {
  let altered = 0;
  const relay = await startRelay(port, (chunk, client) => {
    const at = altered === 0 ? chunk.indexOf(marker) : -1;
    if (at >= 0) {
      chunk[at] = (chunk[at] as number) ^ 1;
      altered += 1;
    }
    client.write(chunk);
  });
  return { ...relay, altered: () => altered };
}
