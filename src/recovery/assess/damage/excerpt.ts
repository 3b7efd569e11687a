import type { Excerpt } from './postgres-damage.ts';
import { shownQuery } from './query-text.ts';

/** Words of errors where a service names none of its own. */
export const defaultErrorWords: readonly string[] = ['error', 'fatal', 'panic', 'exception'];

const listed = 20;
const shownLength = 300;

/** The newest of the lines that carry one of the words, whatever its case. */
export function excerptOf(
  origin: string,
  lines: readonly string[],
  words: readonly string[],
): Excerpt {
  const wanted = words.map((word) => word.toLowerCase());
  const matched = lines.filter((line) => {
    const text = line.toLowerCase();
    return wanted.some((word) => text.includes(word));
  });
  return {
    origin,
    linesRead: lines.length,
    matched: matched.length,
    lines: matched.slice(-listed).map(shownLine),
  };
}

/** Of a statement in the log of a server without its constants: they may be passwords, or somebody's data. */
function shownLine(line: string): string {
  const at = /\b(?:statement|query|detail):/i.exec(line);
  const safe =
    at === null
      ? line
      : `${line.slice(0, at.index + at[0].length)} ${shownQuery(line.slice(at.index + at[0].length))}`;
  return safe.length <= shownLength ? safe : `${safe.slice(0, shownLength)}…`;
}
