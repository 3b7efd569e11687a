/** How many damaged blocks of a file are named, and how many are kept for those who look for intact ones. */
const blocksNamed = 8;
export const blocksKept = 100;

export function damageOf(failed: readonly number[]): readonly string[] {
  if (failed.length === 0) return [];
  const more = failed.length > blocksNamed ? ' ...' : '';
  const blocks = `${failed.slice(0, blocksNamed).join(', ')}${more}`;
  return failed.length === 1
    ? [`a page with a wrong checksum: block ${blocks}`]
    : [`${failed.length} pages with wrong checksums: block ${blocks}`];
}
