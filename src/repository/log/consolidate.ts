import { type Catalog, endOf } from './catalog.ts';
import { encodeManifest, type Manifest } from './manifest.ts';
import type { NestedArea } from './nested-area.ts';
import { noPrevious } from './nested-header.ts';

/** So many manifests of one segment each are made into one. */
const freshAtOnce = 64;
/** A consolidated manifest is left as it is from here on: some 6 MiB. */
const mostEntries = 65_536;

/**
 * Makes many small manifests into one, and that one with those in `index/` that are not larger than
 * twice its size: so each entry is written again a logarithmic number of times, and a log of a million
 * segments has some tens of manifests. The new one is durable before any other is removed; a crash or a
 * refused removal in between leaves the same entries stored twice, which changes nothing.
 */
export async function consolidate(area: NestedArea, log: string, catalog: Catalog): Promise<void> {
  if (catalog.fresh.size + singles(catalog) < freshAtOnce) return;
  const fresh = [...catalog.fresh.keys()];
  const merged = smallOnes(catalog, fresh.length);
  const parts = [
    ...fresh.map((name) => catalog.fresh.get(name)!),
    ...merged.map((name) => catalog.consolidated.get(name)!),
  ];
  const supersedes = [...new Set([...merged, ...parts.flatMap((each) => each.supersedes)])];
  const manifest = { ...joined(parts, catalog), supersedes, floors: catalog.floors };
  const header = { kind: 'manifest' as const, level: 1, log, part: '', position: 0n };
  const payload = encodeManifest(manifest);
  const { name } = await area.write('index', { ...header, previous: noPrevious }, payload);
  catalog.consolidated.set(name, manifest);
  for (const each of fresh) catalog.fresh.delete(each);
  for (const each of merged) catalog.consolidated.delete(each);
  await area.discard('locks', fresh);
  await area.discard('index', merged);
}

function singles(catalog: Catalog): number {
  return [...catalog.consolidated.values()].filter((each) => entriesOf(each) === 1).length;
}

function smallOnes(catalog: Catalog, freshEntries: number): string[] {
  const bySize = [...catalog.consolidated]
    .map(([name, manifest]) => ({ name, entries: entriesOf(manifest) }))
    .sort((a, b) => a.entries - b.entries);
  const chosen: string[] = [];
  // Without any fresh ones (they lie in `index/` where files are retained) the singles begin.
  let total = Math.max(freshEntries, 1);
  for (const { name, entries } of bySize) {
    if (entries > 2 * total || total + entries > mostEntries) break;
    chosen.push(name);
    total += entries;
  }
  return chosen;
}

/** Equal entries once, and without what was given up. */
function joined(
  parts: readonly Manifest[],
  catalog: Catalog,
): Pick<Manifest, 'segments' | 'files'> {
  const segments = new Map(
    parts
      .flatMap((each) => each.segments)
      .filter((each) => endOf(each) > catalog.floorOf(each.stream))
      .map((each) => [`${each.file} ${each.start}`, each]),
  );
  const files = new Map(
    parts.flatMap((each) => each.files).map((each) => [`${each.file} ${each.name}`, each]),
  );
  return { segments: [...segments.values()], files: [...files.values()] };
}

function entriesOf(manifest: Manifest): number {
  return manifest.segments.length + manifest.files.length;
}
