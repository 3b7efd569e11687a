import { boundaryOf, type Line } from './lives.ts';
import type { Killer } from './round.ts';

/** Numbers from 0 to 1 that are the same each time. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Right behind each line that tells of the way of a run, the first time that it comes; `every`: only each so-many-th. */
export function atBoundaries(every = 1, from = 0): Killer {
  const seen = new Set<string>();
  return {
    next: () => ({
      when(line) {
        const boundary = boundaryOf(line);
        if (boundary === undefined || seen.has(boundary)) return undefined;
        seen.add(boundary);
        return (seen.size + from) % every === 0 ? 0 : undefined;
      },
    }),
  };
}

/** At random inside steps, each at most `times`, and now and then on the way there; `lasts`: how long each takes undisturbed, in ms. */
export function insideSteps(
  random: () => number,
  lasts: Readonly<Record<string, number>>,
  times = 2,
): Killer {
  const killed = new Map<string, number>();
  return {
    next: (life) => ({
      ...(life % 4 === 0 ? { beginMs: random() * 2500 } : {}),
      when({ type, step }: Line) {
        if (type !== 'run-step-begun' && type !== 'run-undo-begun') return undefined;
        const name = `${type} ${step}`;
        const before = killed.get(name) ?? 0;
        if (before >= times) return undefined;
        killed.set(name, before + 1);
        return 1 + random() * (lasts[String(step)] ?? 1000);
      },
    }),
  };
}

export const nobody: Killer = { next: () => ({ when: () => undefined }) };
