import { LifeboatError } from '../../core/index.ts';

/**
 * A pattern of names as shells have it: `*`, `?`, `[a-z]`, `[^a-z]`, `\` before what shall mean itself. Without a slash it is about the
 * name alone; with one about the last names of the path, and from the root when it begins with one. `**` is any number of names.
 */
export interface Glob {
  readonly isNameOnly: boolean;
  matches(path: string, name: string): boolean;
}

/** Errors: `usage.invalid`. */
export function parseGlob(pattern: string, ignoreCase: boolean): Glob {
  const parts = pattern.split('/').filter((part, at) => part !== '' || at === 0);
  if (pattern === '' || parts.join('') === '') throw invalid(pattern, 'it is empty');
  const flags = ignoreCase ? 'isu' : 'su';
  const isNameOnly = parts.length === 1 && pattern !== '**';
  const isRooted = parts[0] === '';
  const names = isRooted ? parts.slice(1) : parts;
  let source = isRooted ? '^' : isNameOnly ? '' : '(?:^|/)';
  names.forEach((part, at) => {
    const isLast = at === names.length - 1;
    if (part === '**') source += isLast ? '.*' : '(?:[^/]*/)*';
    else source += namePattern(part, pattern) + (isLast ? '' : '/');
  });
  const expression = new RegExp(isNameOnly ? `^${source}$` : `${source}$`, flags);
  // A rooted one is compared with the path without its first slash.
  return {
    isNameOnly,
    matches: (path, name) => expression.test(isNameOnly ? name : path.slice(1)),
  };
}

function namePattern(part: string, pattern: string): string {
  let source = '';
  for (let at = 0; at < part.length; at++) {
    const character = part[at] as string;
    if (character === '*') source += '[^\\/]*';
    else if (character === '?') source += '[^\\/]';
    else if (character === '\\') {
      if (++at === part.length) throw invalid(pattern, 'it ends with a backslash');
      source += escaped(part[at] as string);
    } else if (character === '[') {
      const end = part.indexOf(']', at + (/^\[[\^!]?\]/.test(part.slice(at)) ? 3 : 1));
      if (end < 0) throw invalid(pattern, 'a [ has no ]');
      source += classPattern(part.slice(at + 1, end), pattern);
      at = end;
    } else if (character === '-') source += character;
    else source += escaped(character);
  }
  return source;
}

function classPattern(inside: string, pattern: string): string {
  const isNegated = /^[\^!]/.test(inside);
  const members = [...(isNegated ? inside.slice(1) : inside)];
  let source = '';
  for (let at = 0; at < members.length; at++) {
    const from = members[at] as string;
    const to = members[at + 2];
    if (members[at + 1] !== '-' || to === undefined) source += escaped(from);
    else {
      if (from > to) throw invalid(pattern, `${from}-${to} is no range`);
      source += `${escaped(from)}-${escaped(to)}`;
      at += 2;
    }
  }
  return isNegated ? `[^\\/${source}]` : `[${source}]`;
}

function escaped(character: string): string {
  return character.replace(/[\^$\\.*+?()[\]{}|/-]/, '\\$&');
}

function invalid(pattern: string, fact: string): LifeboatError {
  return new LifeboatError('usage.invalid', `${JSON.stringify(pattern)} is no pattern: ${fact}`, {
    hint: 'Patterns are those of shells: "*.sql", "report-202?.pdf", "/srv/**/[a-f]*". Quote them.',
  });
}
