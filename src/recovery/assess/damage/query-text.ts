import type { StatementFound } from './postgres-damage.ts';

type StatementKind = StatementFound['kind'];

const shownLength = 160;

/**
 * The kind of a statement that may destroy much: TRUNCATE, DROP, ALTER TABLE ... DROP COLUMN, and DELETE or UPDATE without a WHERE of
 * their own. Undefined of any other. By words alone, so it may be wrong both ways.
 */
export function destructiveKind(query: string): StatementKind | undefined {
  const words =
    bare(query)
      .toLowerCase()
      .match(/[a-z_]+|[();]/g) ?? [];
  for (const statement of statements(words)) {
    const kind = kindOf(statement);
    if (kind !== undefined) return kind;
  }
  return undefined;
}

function kindOf(words: readonly string[]): StatementKind | undefined {
  const [first, second] = words;
  if (first === 'truncate') return 'truncate';
  if (first === 'drop') {
    const harmless = second === 'index' || second === 'temp' || second === 'temporary';
    return harmless ? undefined : 'drop';
  }
  if (first === 'alter' && second === 'table') {
    const at = words.indexOf('drop');
    const dropped = words[at + 1];
    const isRule = ['constraint', 'not', 'default', 'identity', 'expression'].includes(
      dropped ?? '',
    );
    return at > 0 && !isRule ? 'alter' : undefined;
  }
  if (first === 'delete' || first === 'update') return hasWhere(words) ? undefined : first;
  if (first !== 'with') return undefined;
  return inWith(words);
}

/** `WITH gone AS (DELETE FROM orders RETURNING *) ...`: each pair of brackets is a statement of its own. */
function inWith(words: readonly string[]): StatementKind | undefined {
  const open: number[] = [];
  for (const [at, word] of words.entries()) {
    if (word === '(') open.push(at);
    if (word !== ')') continue;
    const inner = words.slice((open.pop() ?? 0) + 1, at);
    const kind = inner[0] === 'delete' || inner[0] === 'update' ? kindOf(inner) : undefined;
    if (kind !== undefined) return kind;
  }
  const last = words.findLastIndex((word, at) => {
    return (word === 'delete' || word === 'update') && depthAt(words, at) === 0;
  });
  return last < 0 ? undefined : kindOf(words.slice(last));
}

function hasWhere(words: readonly string[]): boolean {
  return words.some((word, at) => word === 'where' && depthAt(words, at) === 0);
}

function depthAt(words: readonly string[], at: number): number {
  let depth = 0;
  for (const word of words.slice(0, at)) {
    if (word === '(') depth++;
    if (word === ')') depth--;
  }
  return depth;
}

function statements(words: readonly string[]): readonly (readonly string[])[] {
  const found: string[][] = [[]];
  for (const word of words) {
    if (word === ';') found.push([]);
    else found.at(-1)?.push(word);
  }
  return found.filter((each) => each.length > 0);
}

const texts = /'(?:[^']|'')*'?|(\$[A-Za-z_]*\$)[\s\S]*?(?:\1|$)/g;

/** Without comments, names in quotes and constants. */
function bare(query: string): string {
  return query
    .replace(/--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g, ' ')
    .replace(texts, ' ')
    .replace(/"(?:[^"]|"")*"?/g, ' x ');
}

/** For people: on one line, cut, and without constants, which may be passwords or somebody's data. */
export function shownQuery(query: string): string {
  const line = query
    .replace(/--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g, ' ')
    .replace(texts, "'…'")
    .replace(/\s+/g, ' ')
    .trim();
  return line.length <= shownLength ? line : `${line.slice(0, shownLength)}…`;
}
