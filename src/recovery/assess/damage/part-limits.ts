/** How long each part may take, in milliseconds, and how much it reads. All together have a limit of their own. */
export interface PartLimits {
  readonly repositoryMs: number;
  readonly serverMs: number;
  readonly tablesMs: number;
  readonly suspectsMs: number;
  readonly integrityMs: number;
  readonly pointsMs: number;
  readonly askedMs: number;
  readonly filesMs: number;
  readonly hostMs: number;
  readonly serviceMs: number;
  /** Log that is read to know how many rows must be there. */
  readonly mostLogBytes: number;
}

const second = 1000;
const mebibyte = 2 ** 20;

const usualLimits: PartLimits = Object.freeze({
  repositoryMs: 30 * second,
  serverMs: 10 * second,
  tablesMs: 60 * second,
  suspectsMs: 60 * second,
  integrityMs: 30 * second,
  pointsMs: 30 * second,
  askedMs: 10 * second,
  filesMs: 60 * second,
  hostMs: 10 * second,
  serviceMs: 15 * second,
  mostLogBytes: 2048 * mebibyte,
});

const quickLimits: PartLimits = Object.freeze({
  repositoryMs: 15 * second,
  serverMs: 5 * second,
  tablesMs: 10 * second,
  suspectsMs: 20 * second,
  integrityMs: 5 * second,
  pointsMs: 15 * second,
  askedMs: 5 * second,
  filesMs: 10 * second,
  hostMs: 5 * second,
  serviceMs: 5 * second,
  mostLogBytes: 128 * mebibyte,
});

const allPartsMs = 120 * second;
const allPartsQuickMs = 40 * second;

/** All parts together get `limitMs`: with more than usual each gets more of it, with less each keeps its own, as far as it goes. */
export function limitsFor(
  isQuick: boolean,
  limitMs: number | undefined,
): { readonly limits: PartLimits; readonly limitMs: number } {
  const limits = isQuick ? quickLimits : usualLimits;
  const usualMs = isQuick ? allPartsQuickMs : allPartsMs;
  const factor = Math.max(1, (limitMs ?? usualMs) / usualMs);
  const scaled = Object.entries(limits).map(([name, value]) => [name, value * factor]);
  return { limits: Object.fromEntries(scaled) as PartLimits, limitMs: limitMs ?? usualMs };
}
