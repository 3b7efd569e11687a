import type { RunState } from './run-state.ts';

/** Whom a recovery to a new place keeps from the former one. JSON: of the outcome of its thaw. */
export interface KeptOut {
  /** Id of the freeze that holds it. */
  readonly freeze: string;
  /** Databases of the former place, in words: whoever was not pointed at the new one is refused there. */
  readonly closed: readonly string[];
  /** Services that were not pointed, and those that need them. */
  readonly stopped: readonly string[];
}

export function keptOutBy({ steps }: RunState): readonly KeptOut[] {
  return Object.values(steps).flatMap(({ phase, outcome }) => {
    const {
      closed = [],
      stopped = [],
      freeze,
    } = (outcome?.result.keptOut ?? {}) as Partial<KeptOut>;
    const isSo = phase === 'done' && closed.length + stopped.length > 0;
    return isSo && freeze !== undefined ? [{ freeze, closed, stopped }] : [];
  });
}
