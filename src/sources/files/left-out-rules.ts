/** A file whose presence excludes the rest of its folder. */
export interface PresenceMark {
  readonly name: string;
  /** How the file must begin. */
  readonly header?: string | undefined;
}

/** https://bford.info/cachedir/ */
export const cacheMark: PresenceMark = {
  name: 'CACHEDIR.TAG',
  header: 'Signature: 8a477f597d28d172789f06886806bc55',
};

/** What a backup leaves out by its options, not because it could not be read. */
export interface LeftOutRules {
  /** As they were given: in gitignore's style. */
  readonly patterns: readonly string[];
  readonly presenceMarks: readonly PresenceMark[];
  readonly maxFileBytes: number | undefined;
}

/** A slash within a pattern ties it to each of the folders that are backed up, as to the folder of a .gitignore. */
export function absolutePatterns(patterns: readonly string[], paths: readonly string[]): string[] {
  return patterns.flatMap((line) => {
    const sign = line.startsWith('!') ? '!' : '';
    const pattern = line.slice(sign.length);
    const isTied = /^[^/].*\/./.test(pattern) && !pattern.startsWith('**/');
    if (!isTied) return [line];
    return paths.map((path) => `${sign}${escapedPath(path)}/${pattern}`);
  });
}

/** As gitignore(5) takes it word for word. */
export function escapedPath(path: string): string {
  return path.replace(/[\\*?[\] !#]/g, '\\$&');
}

/** Those that begin with the path of a folder, which is another now. */
export function patternsMoved(patterns: readonly string[], from: string, to: string): string[] {
  const [former, present] = [`${escapedPath(from)}/`, `${escapedPath(to)}/`];
  return patterns.map((line) => {
    const sign = line.startsWith('!') ? '!' : '';
    const pattern = line.slice(sign.length);
    return pattern.startsWith(former) ? `${sign}${present}${pattern.slice(former.length)}` : line;
  });
}

// A snapshot has room for patterns only. What is none stands among them in a form that excludes nothing, so that stock restic
// shows it, and keeps it when it copies, tags or rewrites the snapshot.
const presence = 'lifeboat:if-present=';
const caches = 'lifeboat:caches';
const largerThan = 'lifeboat:larger-than=';

/** The rules as `excludes` of a snapshot. */
export function storedRules(rules: LeftOutRules): readonly string[] {
  const { patterns, presenceMarks, maxFileBytes } = rules;
  const isRule = (line: string) => line.trim() !== '' && !line.startsWith('#');
  return [
    ...patterns.filter(isRule),
    ...presenceMarks.map(({ name, header }) =>
      name === cacheMark.name && header !== undefined ? caches : `${presence}${name}`,
    ),
    ...(maxFileBytes === undefined ? [] : [`${largerThan}${maxFileBytes}`]),
  ];
}

/** The other way; patterns alone where stock restic wrote the snapshot. */
export function rulesFromStored(excludes: readonly string[]): LeftOutRules {
  const patterns: string[] = [];
  const presenceMarks: PresenceMark[] = [];
  let maxFileBytes: number | undefined;
  for (const line of excludes) {
    if (line === caches) presenceMarks.push(cacheMark);
    else if (line.startsWith(presence)) presenceMarks.push({ name: line.slice(presence.length) });
    else if (line.startsWith(largerThan)) {
      const bytes = Number(line.slice(largerThan.length));
      if (Number.isSafeInteger(bytes)) maxFileBytes = bytes;
    } else patterns.push(line);
  }
  return { patterns, presenceMarks, maxFileBytes };
}
