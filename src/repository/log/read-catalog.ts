import { isLifeboatError, LifeboatError, throwIfAborted } from '../../core/index.ts';
import type { Catalog } from './catalog.ts';
import type { LogContents } from './log-contents.ts';
import { decodeManifest } from './manifest.ts';
import { assertHeader, type NestedArea } from './nested-area.ts';
import { damaged } from './nested-header.ts';

export interface CatalogSource {
  readonly area: NestedArea;
  readonly log: string;
  readonly catalog: Catalog;
  readonly contents: LogContents;
  /** Files that do not open, and why: skipped from then on. */
  readonly unreadable: Map<string, string>;
}

const readsAtOnce = 8;
const rounds = 10;

/**
 * Brings the catalog up to what the repository holds now; reads only what it does not know yet.
 *
 * `locks/` is listed before `index/`: a manifest that is consolidated in between is then seen in both,
 * never in neither. A file that is gone when it is read was superseded a moment ago: the lists are out
 * of date, and another round finds what stands in its place.
 */
export async function refreshCatalog(source: CatalogSource, signal?: AbortSignal): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    throwIfAborted(signal);
    const locks = await source.area.list('locks', signal);
    const index = await source.area.list('index', signal);
    // The largest first: they make most of the others superfluous.
    const largestFirst = [...index].sort((a, b) => b.sizeBytes - a.sizeBytes);
    const indexWhole = await readIndex(source, largestFirst, signal);
    const locksWhole = await readLocks(source, locks, signal);
    if (!indexWhole || !locksWhole) continue;
    forgetWhatIsGone(source.catalog, new Set(locks.map((each) => each.name)));
    return;
  }
  throw new LifeboatError('location.unreachable', 'the log changes faster than it can be read', {
    hint: 'Try again.',
    retryable: true,
  });
}

type Names = readonly { readonly name: string }[];

async function readIndex(
  source: CatalogSource,
  files: Names,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { area, log, catalog, unreadable } = source;
  const superseded = new Set([...catalog.consolidated.values()].flatMap((each) => each.supersedes));
  let allFound = true;
  // The first one alone, for what it makes superfluous.
  for (let at = 0, count = 1; at < files.length; at += count, count = readsAtOnce) {
    const unknown = files.slice(at, at + count).filter(({ name }) => {
      if (catalog.consolidated.has(name) || superseded.has(name) || unreadable.has(name))
        return false;
      return area.mayBelongTo(name, log);
    });
    const learn = async (name: string) => {
      const { header, payload } = await area.read('index', name, signal);
      if (header.log !== log) return;
      const subject = `lifeboat/index/${name}`;
      assertHeader(header, { kind: 'manifest' }, subject);
      const manifest = decodeManifest(payload, subject);
      catalog.addManifest(manifest);
      catalog.consolidated.set(name, manifest);
      for (const each of manifest.supersedes) superseded.add(each);
    };
    const found = await Promise.all(
      unknown.map(({ name }) => reading(source, name, () => learn(name))),
    );
    if (found.includes(false)) allFound = false;
  }
  return allFound;
}

async function readLocks(
  source: CatalogSource,
  files: Names,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { area, log, catalog, unreadable } = source;
  const unknown = files.filter(
    ({ name }) =>
      !catalog.fresh.has(name) &&
      !catalog.pieces.has(name) &&
      !unreadable.has(name) &&
      area.mayBelongTo(name, log),
  );
  let allFound = true;
  for (let at = 0; at < unknown.length; at += readsAtOnce) {
    const found = await Promise.all(
      unknown
        .slice(at, at + readsAtOnce)
        .map(({ name }) => reading(source, name, () => readFresh(source, name, signal))),
    );
    if (found.includes(false)) allFound = false;
  }
  return allFound;
}

async function readFresh(
  { area, log, catalog, contents }: CatalogSource,
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { header, payload, content } = await area.read('locks', name, signal);
  if (header.log !== log) return;
  const subject = `lifeboat/locks/${name}`;
  if (header.kind === 'manifest') {
    const manifest = decodeManifest(payload, subject);
    catalog.addManifest(manifest);
    catalog.fresh.set(name, manifest);
    return;
  }
  assertHeader(header, { kind: 'piece' }, subject);
  if (header.lengthBytes === 0) throw damaged(subject, 'it is a piece of nothing');
  catalog.pieces.set(name, {
    stream: header.part,
    start: header.position,
    lengthBytes: header.lengthBytes,
    level: header.level,
    file: name,
    content,
  });
  contents.remember(name, payload);
}

/** False when the file is gone. What does not open is noted, not thrown: one bad file must not hide the log. */
async function reading(
  { unreadable }: CatalogSource,
  name: string,
  read: () => Promise<void>,
): Promise<boolean> {
  try {
    await read();
    return true;
  } catch (error) {
    if (isLifeboatError(error, 'location.file-missing')) return false;
    if (!isLifeboatError(error, 'repository.damaged', 'repository.unsupported')) throw error;
    unreadable.set(name, error.message);
    return true;
  }
}

/** Others drop pieces and consolidate manifests too; what a dropped manifest said stays true. */
function forgetWhatIsGone(catalog: Catalog, present: ReadonlySet<string>): void {
  for (const name of catalog.pieces.keys()) {
    if (!present.has(name)) catalog.pieces.delete(name);
  }
  for (const name of catalog.fresh.keys()) {
    if (!present.has(name)) catalog.fresh.delete(name);
  }
}
