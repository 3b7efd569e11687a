import { createHash } from 'node:crypto';

/** What means an error in the output of a service that says nothing else. */
export const defaultErrorTexts: readonly string[] = ['error', 'fatal', 'panic', 'exception'];

/** Lines that speak of an error, of one form: they differ in numbers and ids alone. */
export interface ErrorLines {
  /** The first of them, at most 300 characters. */
  readonly example: string;
  readonly count: number;
  /** Names the form without telling it: what a service baseline remembers. */
  readonly form: string;
  /** It was seen when all was well. */
  readonly isKnown: boolean;
}

const exampleCharacters = 300;

/** Lines with any of the texts, whatever their case, the most frequent first. `known`: forms that were seen when all was well. */
export function searchOutput(
  lines: readonly string[],
  texts: readonly string[] = defaultErrorTexts,
  known: ReadonlySet<string> = new Set(),
): readonly ErrorLines[] {
  const wanted = texts.map((text) => text.toLowerCase());
  const found = new Map<string, { example: string; count: number }>();
  for (const line of lines) {
    const lower = line.toLowerCase();
    if (!wanted.some((text) => lower.includes(text))) continue;
    const form = formOf(lower);
    const former = found.get(form);
    if (former) former.count += 1;
    else found.set(form, { example: shortened(line), count: 1 });
  }
  return [...found]
    .map(([form, each]) => ({ ...each, form, isKnown: known.has(form) }))
    .sort((a, b) => b.count - a.count);
}

/** Times, ids, addresses and numbers are not what a line says. */
function formOf(line: string): string {
  const said = line
    .replace(/"[^"]*"|'[^']*'/g, '""')
    .replace(/\b[0-9a-f]*\d[0-9a-f-]*\b/g, '0')
    .replace(/\d+/g, '0')
    .replace(/\s+/g, ' ')
    .trim();
  return createHash('sha256').update(said).digest('hex').slice(0, 16);
}

function shortened(line: string): string {
  return line.length > exampleCharacters ? `${line.slice(0, exampleCharacters - 1)}…` : line;
}
