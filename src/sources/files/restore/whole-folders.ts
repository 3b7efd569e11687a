import type { Repository, Snapshot } from '../../../repository/index.ts';

/**
 * The folders that a snapshot holds whole, relative to what is restored of it (`path`); empty for the target itself. Those above
 * them are there only because they lead to what was backed up: that something is missing in them says nothing, so
 * nothing may ever be deleted there. When it cannot be told, there are none.
 */
export async function wholeFolders(
  repository: Repository,
  { tree, paths }: Pick<Snapshot, 'tree' | 'paths'>,
  path: string | undefined,
): Promise<readonly string[]> {
  const roots = new Set((await repository.readTree(tree)).map(({ name }) => name));
  const base = namesOf(path ?? '');
  return placesOf(paths.map(namesOf), roots).flatMap((place) => {
    const common = Math.min(place.length, base.length);
    if (place.slice(0, common).join('/') !== base.slice(0, common).join('/')) return [];
    return [place.slice(common).join('/')];
  });
}

/** Where on the machine the folder of a snapshot stood that is restored from; several when it cannot be told. */
export async function machineBases(
  repository: Repository,
  { tree, paths }: Pick<Snapshot, 'tree' | 'paths'>,
  folder: string,
): Promise<readonly string[]> {
  const roots = new Set((await repository.readTree(tree)).map(({ name }) => name));
  const all = paths.map(namesOf);
  const isFromRoot = all.some(([first]) => first === undefined || roots.has(first));
  if (isFromRoot || roots.size === 0) return [folder];
  const prefixes = all.map((path) => {
    const from = path.findIndex((name) => roots.has(name));
    return from === -1 ? path : path.slice(0, from);
  });
  const bases = prefixes.map((prefix) => [...prefix, ...namesOf(folder)].join('/'));
  return [...new Set([folder, ...bases])];
}

/** Is a folder one of these, or inside of one? */
export function isWithin(path: string, folders: readonly string[]): boolean {
  return folderAround(path, folders) !== undefined;
}

/** The innermost of them that a folder is or lies in. */
export function folderAround(path: string, folders: readonly string[]): string | undefined {
  const around = folders.filter(
    (each) => each === '' || path === each || path.startsWith(`${each}/`),
  );
  return around.toSorted((a, b) => b.length - a.length)[0];
}

/** Where in the tree the paths are. restic keeps relative ones as they were given, `.` as the root itself. */
function placesOf(
  paths: readonly (readonly string[])[],
  roots: ReadonlySet<string>,
): readonly (readonly string[])[] {
  const isFromRoot = paths.some(([first]) => first === undefined || roots.has(first));
  if (isFromRoot || roots.size === 0) return paths;
  const relative = paths.flatMap((path) => {
    const from = path.findIndex((name) => roots.has(name));
    return from === -1 ? [] : [path.slice(from)];
  });
  return relative.length === 0 && paths.length === 1 ? [[]] : relative;
}

function namesOf(path: string): readonly string[] {
  return path.split('/').filter((name) => name !== '');
}
