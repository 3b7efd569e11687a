import type { ServiceBaseline } from './service-baseline.ts';

export interface BaselineDifference {
  readonly what: 'image' | 'command' | 'variable' | 'port' | 'file';
  readonly change: 'added' | 'removed' | 'changed';
  /** Which variable, port or file. */
  readonly name?: string;
  /** Absent where it is not known: of a variable nobody has the values. */
  readonly from?: string;
  readonly to?: string;
  /** One line for people: `the variable DATABASE_URL has another value`. */
  readonly text: string;
}

/** What a service is made of now, against what it was made of then. Both under the same salt. In a fixed order; empty: the same. */
export function compareBaseline(
  then: ServiceBaseline,
  now: ServiceBaseline,
): readonly BaselineDifference[] {
  return [
    ...compareImage(then, now),
    ...compareCommand(then.command, now.command),
    ...compareRecords('variable', then.environment, now.environment),
    ...comparePorts(then.ports, now.ports),
    ...compareRecords('file', then.files, now.files),
  ];
}

function compareImage(then: ServiceBaseline, now: ServiceBaseline): BaselineDifference[] {
  const isSameName = then.image === now.image;
  const isSameContent = then.imageDigest === now.imageDigest;
  if (isSameName && isSameContent) return [];
  const [from, to] = [imageText(then), imageText(now)];
  if (from === undefined)
    return to === undefined
      ? []
      : [{ what: 'image', change: 'added', to, text: `the image is ${to}, there was none` }];
  if (to === undefined)
    return [{ what: 'image', change: 'removed', from, text: `there is no image, it was ${from}` }];
  const text = isSameName
    ? `the image ${now.image} has other content: ${digestText(now)}, it was ${digestText(then)}`
    : `the image is ${to}, it was ${from}`;
  return [{ what: 'image', change: 'changed', from, to, text }];
}

function imageText(baseline: ServiceBaseline): string | undefined {
  const { image, imageDigest } = baseline;
  if (image === undefined) return imageDigest === undefined ? undefined : digestText(baseline);
  return imageDigest === undefined || image === imageDigest
    ? image
    : `${image} (${digestText(baseline)})`;
}

/** Enough of it to tell two apart. */
function digestText({ imageDigest }: ServiceBaseline): string {
  if (imageDigest === undefined) return 'unknown content';
  return imageDigest.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1');
}

function compareCommand(then: readonly string[], now: readonly string[]): BaselineDifference[] {
  if (then.length === now.length && then.every((word, index) => word === now[index])) return [];
  const [from, to] = [JSON.stringify(then), JSON.stringify(now)];
  return [
    { what: 'command', change: 'changed', from, to, text: `the command is ${to}, it was ${from}` },
  ];
}

/** Names with hashes. */
function compareRecords(
  what: 'variable' | 'file',
  then: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): BaselineDifference[] {
  const names = [...new Set([...Object.keys(then), ...Object.keys(now)])].sort();
  return names.flatMap((name): BaselineDifference[] => {
    const [wasThere, isThere] = [Object.hasOwn(then, name), Object.hasOwn(now, name)];
    if (wasThere && isThere && then[name] === now[name]) return [];
    const subject = `the ${what} ${name}`;
    if (!wasThere) return [{ what, change: 'added', name, text: `${subject} was added` }];
    if (!isThere) return [{ what, change: 'removed', name, text: `${subject} is gone` }];
    const other = what === 'file' ? 'other content' : 'another value';
    return [{ what, change: 'changed', name, text: `${subject} has ${other}` }];
  });
}

function comparePorts(then: readonly string[], now: readonly string[]): BaselineDifference[] {
  const gone = [...new Set(then)].filter((port) => !now.includes(port)).sort();
  const added = [...new Set(now)].filter((port) => !then.includes(port)).sort();
  return [
    ...gone.map(
      (name): BaselineDifference => ({
        what: 'port',
        change: 'removed',
        name,
        text: `the port ${name} is not published any more`,
      }),
    ),
    ...added.map(
      (name): BaselineDifference => ({
        what: 'port',
        change: 'added',
        name,
        text: `the port ${name} is published now`,
      }),
    ),
  ];
}
