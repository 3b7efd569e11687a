import { formatCount } from '../../../core/index.ts';
import type { ComparedTotals } from '../../../sources/index.ts';
import type { FilesSample } from './sample-files.ts';

/** So few files change or go in a day of ordinary work. */
const fewFiles = 30;
const largeShare = 0.5;
/** Fewer that were read prove nothing. */
const fewSampled = 8;

/** Why it looks as if files had been encrypted, overwritten or deleted in bulk. `reasons`: those of a backup's own judge. */
export function signsOf(seen: {
  readonly totals: ComparedTotals;
  readonly missing: number;
  readonly changed: number;
  readonly added: number;
  readonly sample: FilesSample;
  readonly ending: string | undefined;
  readonly reasons: readonly string[];
}): readonly string[] {
  const { totals, missing, changed, added, sample, ending, reasons } = seen;
  const all = Math.max(1, totals.before.files);
  const signs: string[] = [];
  const scrambled = sample.random - sample.wereRandom;
  if (scrambled >= fewSampled && scrambled > sample.files / 2) {
    signs.push(
      `${formatCount(scrambled)} of ${formatCount(sample.files)} changed files that were read look like random bytes, and did not before: they may be encrypted`,
    );
  }
  if (ending !== undefined && missing >= fewFiles && added >= fewFiles) {
    signs.push(`files went and others came that nearly all end in ${ending}`);
  }
  if (missing >= fewFiles && missing / all >= largeShare) {
    signs.push(`${formatCount(missing)} of ${formatCount(all)} files are gone`);
  }
  if (changed >= fewFiles && changed / all >= largeShare) {
    signs.push(`${formatCount(changed)} of ${formatCount(all)} files were written anew`);
  }
  return [...signs, ...reasons.filter((reason) => !repeats(reason, signs))];
}

/** What nearly all new files end in, when there are many. */
export function commonEnding(ends: ReadonlyMap<string, number>, files: number): string | undefined {
  const [most] = [...ends].toSorted(([, a], [, b]) => b - a);
  if (most === undefined || files < fewFiles) return undefined;
  return most[1] >= files * 0.9 ? most[0] : undefined;
}

/** The judge of backups says the same of what is gone. */
function repeats(reason: string, signs: readonly string[]): boolean {
  return / files are gone /.test(reason) && signs.some((each) => each.endsWith('are gone'));
}
