const kib = 1024;
const gib = 1024 ** 3;

/** Each gives at most half a million or a million chunks: what trees, checksums and the index of blobs take grows with their number. */
const largest = { upToBytes: Number.POSITIVE_INFINITY, chunkSizeBytes: 1024 * kib };
const steps = [
  { upToBytes: 16 * gib, chunkSizeBytes: 32 * kib },
  { upToBytes: 32 * gib, chunkSizeBytes: 64 * kib },
  { upToBytes: 256 * gib, chunkSizeBytes: 256 * kib },
  largest,
] as const;

/** How much a source may outgrow the size its chunks were chosen for before they are chosen anew. */
const tolerance = 4;

/**
 * The fixed size at which database files are cut. Chosen once per source, since another size shares no blob with what
 * is stored: `formerBytes`, the newest snapshot's, stays until the source has outgrown it several times over. None
 * is less than the largest page, 32 KiB.
 */
export function chunkSizeFor(totalBytes: number, formerBytes?: number): number {
  const former = steps.find((step) => step.chunkSizeBytes === formerBytes);
  if (former && totalBytes <= former.upToBytes * tolerance) return former.chunkSizeBytes;
  const fitting = steps.find((step) => totalBytes <= step.upToBytes);
  return (fitting ?? largest).chunkSizeBytes;
}

/** WAL is never the same twice: larger blobs cost less and share as much. */
export const walChunkSizeBytes = 1024 * kib;
