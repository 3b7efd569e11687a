const mebibyte = 1024 * 1024;

/** Where a quick look at a restored cluster ends: somebody waits for it. `full`, and every proof, look at all. */
export const quickBounds = Object.freeze({
  /** Pages of tables whose rows are counted: a small part of the time that restoring all of them took ... */
  countedPart: 1 / 16,
  /** ... but never less than what takes no time to speak of. */
  countedBytes: 256 * mebibyte,
  /** Log that is read a second time, for the rows that it accounts for. */
  logBytes: 256 * mebibyte,
});

/** As many of them as there can be within the bounds. */
export function countedQuickly<Table extends { readonly bytes: number }>(
  tables: readonly Table[],
): { readonly counted: readonly Table[]; readonly left: readonly Table[] } {
  const sorted = tables.toSorted((a, b) => a.bytes - b.bytes);
  const all = sorted.reduce((sum, { bytes }) => sum + bytes, 0);
  let room = Math.max(quickBounds.countedBytes, all * quickBounds.countedPart);
  const first = sorted.findIndex(({ bytes }) => {
    room -= bytes;
    return room < 0;
  });
  const until = first < 0 ? sorted.length : first;
  return { counted: sorted.slice(0, until), left: sorted.slice(until) };
}
