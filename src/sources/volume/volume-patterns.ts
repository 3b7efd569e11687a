import { escapedPath } from '../files/left-out-rules.ts';

/** What a delivery leaves at the root of a volume while there is a way back: see the layout of grounds. */
const deliveries = '.lifeboat';

/**
 * Excludes of a volume as those of the folder that it is in: a pattern that begins with a slash means a path in the volume. `isWhole`: it
 * is backed up from its root on, where what recoveries keep lies too.
 */
export function patternsWithin(
  folder: string,
  { exclude = [], isWhole }: { readonly exclude: readonly string[] | undefined; isWhole: boolean },
): readonly string[] {
  const own = exclude.map((line) => {
    const sign = line.startsWith('!') ? '!' : '';
    const pattern = line.slice(sign.length);
    return pattern.startsWith('/') ? `${sign}${escapedPath(folder)}${pattern}` : line;
  });
  return isWhole ? [...own, `${escapedPath(folder)}/${deliveries}/`] : own;
}
