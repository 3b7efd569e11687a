import { isLifeboatError, throwIfAborted } from '../../core/index.ts';
import type { NestedArea } from './nested-area.ts';

const readsAtOnce = 8;

/** The logs that anything in the area says it belongs to. A file that does not open is passed over. */
export async function logNames(area: NestedArea, signal?: AbortSignal): Promise<readonly string[]> {
  const names = new Set<string>();
  // In this order: what is consolidated between the two is seen in both.
  for (const folder of ['locks', 'index'] as const) {
    const files = await area.list(folder, signal);
    for (let at = 0; at < files.length; at += readsAtOnce) {
      throwIfAborted(signal);
      const some = files.slice(at, at + readsAtOnce);
      const owners = await Promise.all(some.map(({ name }) => ownerOf(area, folder, name, signal)));
      // The marks of a prune belong to no log.
      for (const owner of owners) if (owner) names.add(owner);
    }
  }
  return [...names].sort();
}

async function ownerOf(
  area: NestedArea,
  folder: 'locks' | 'index',
  name: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const known = area.ownerOf(name);
  if (known !== undefined) return known;
  try {
    return (await area.read(folder, name, signal)).header.log;
  } catch (error) {
    const isBad = isLifeboatError(error, 'repository.damaged', 'repository.unsupported');
    if (isBad || isLifeboatError(error, 'location.file-missing')) return undefined;
    throw error;
  }
}
