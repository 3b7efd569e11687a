import { LifeboatError } from '../core/index.ts';

/**
 * The entry called `name`; without a name the only one there is. Throws `usage.invalid` that lists what there
 * is to choose from.
 */
export function pickNamed<Entry>(
  what: string,
  all: Readonly<Record<string, Entry>>,
  name: string | undefined,
): readonly [name: string, entry: Entry] {
  const names = Object.keys(all);
  const chosen = name ?? (names.length === 1 ? names[0] : undefined);
  if (chosen !== undefined && Object.hasOwn(all, chosen)) return [chosen, all[chosen] as Entry];
  const fact =
    name !== undefined
      ? `there is no ${what} called ${JSON.stringify(name)}`
      : names.length === 0
        ? `the configuration has no ${what}`
        : `which ${what} is meant?`;
  throw new LifeboatError('usage.invalid', fact, {
    hint:
      names.length === 0
        ? `Add one to the configuration file, or run \`lifeboat init\` in an empty folder.`
        : `The configuration has: ${names.join(', ')}.${name === undefined && what === 'repository' ? ' Say which with -r NAME.' : ''}`,
  });
}

/** As `pickNamed`; without a name the only repository that is no copy of another. */
export function pickRepository<Entry extends { readonly copyFrom?: string | undefined }>(
  all: Readonly<Record<string, Entry>>,
  name: string | undefined,
): readonly [name: string, entry: Entry] {
  const originals = Object.entries(all).filter(([, { copyFrom }]) => copyFrom === undefined);
  return pickNamed('repository', all, name ?? (originals.length === 1 ? originals[0]?.[0] : name));
}
