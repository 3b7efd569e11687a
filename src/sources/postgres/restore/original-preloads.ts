import type { Repository, Snapshot } from '../../../repository/index.ts';

const setting = /^\s*shared_preload_libraries\s*(?:=|\s)\s*(.*)$/i;
const addedByUs = '# Added by Lifeboat';

/**
 * The libraries that the original loads at its start, from the configuration in a snapshot. Undefined when the server keeps it
 * elsewhere (as Debian's does) and nothing in the data directory names them.
 */
export async function readOriginalPreloads(
  repository: Repository,
  snapshot: Snapshot,
): Promise<readonly string[] | undefined> {
  const main = await readText(repository, snapshot, '/data/postgresql.conf');
  const auto = await readText(repository, snapshot, '/data/postgresql.auto.conf');
  // ALTER SYSTEM's file is read last.
  const value = preloadsIn(auto) ?? (main.startsWith(addedByUs) ? undefined : preloadsIn(main));
  if (value !== undefined) return value;
  return main === '' || main.startsWith(addedByUs) ? undefined : [];
}

/** What the last line that sets it says. */
export function preloadsIn(text: string): readonly string[] | undefined {
  const value = text
    .split('\n')
    .map((line) => setting.exec(line)?.[1])
    .findLast((found) => found !== undefined);
  if (value === undefined) return undefined;
  const quoted = /^'((?:[^']|'')*)'/.exec(value.trim());
  const plain = quoted
    ? (quoted[1] as string).replaceAll("''", "'")
    : (value.split('#')[0] as string);
  return plain
    .split(',')
    .map((each) => each.trim().replace(/^"(.*)"$/, '$1'))
    .filter((each) => each !== '');
}

async function readText(repository: Repository, snapshot: Snapshot, path: string): Promise<string> {
  const node = await repository.findNode(snapshot.tree, path);
  if (node?.type !== 'file') return '';
  const parts: Uint8Array[] = [];
  for (const id of node.content ?? []) parts.push(await repository.readBlob('data', id));
  return Buffer.concat(parts).toString('utf8');
}
