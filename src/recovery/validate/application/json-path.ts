/**
 * The value at a path such as `data.items[0].id`; undefined when there is none. Only own properties count, so that `constructor` is not
 * found where nobody put it.
 */
export function atPath(document: unknown, path: string): unknown {
  let at: unknown = document;
  for (const [, name, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    if (typeof at !== 'object' || at === null) return undefined;
    const key = name ?? (index as string);
    if (!Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}
