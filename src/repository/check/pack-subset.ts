import type { FileInfo } from '../location/location.ts';

/** Which packs are read: all or none, the nth of t parts, a random share, or random ones of so many bytes. */
export type ReadData =
  | boolean
  | { readonly part: number; readonly of: number }
  | { readonly share: number }
  | { readonly bytes: number };

/**
 * Says of each pack whether it is read. Parts are cut by the first byte of the name, as restic cuts them: t runs with
 * n from 1 to t read everything once.
 */
export function chosenPacks(
  packs: readonly FileInfo[],
  readData: ReadData,
  random: () => number = Math.random,
): (name: string) => boolean {
  if (typeof readData === 'boolean') return () => readData;
  if ('part' in readData) {
    const { part, of } = readData;
    return (name) => Number.parseInt(name.slice(0, 2), 16) % of === part - 1;
  }
  const shuffled = shuffle(packs, random);
  if ('share' in readData) {
    const count = Math.min(packs.length, Math.ceil(packs.length * readData.share));
    return isIn(shuffled.slice(0, count));
  }
  let bytes = 0;
  // At least one, however little was asked for.
  return isIn(
    shuffled.filter(({ sizeBytes }, number) => {
      if (number > 0 && bytes + sizeBytes > readData.bytes) return false;
      bytes += sizeBytes;
      return true;
    }),
  );
}

function isIn(packs: readonly FileInfo[]): (name: string) => boolean {
  const names = new Set(packs.map(({ name }) => name));
  return (name) => names.has(name);
}

/** Fisher and Yates. */
function shuffle(packs: readonly FileInfo[], random: () => number): FileInfo[] {
  const shuffled = [...packs];
  for (let at = shuffled.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const [a, b] = [shuffled[at] as FileInfo, shuffled[other] as FileInfo];
    shuffled[at] = b;
    shuffled[other] = a;
  }
  return shuffled;
}
