import { damaged } from './json-shape.ts';

/** Shorter texts can do no harm. */
const harmlessLength = 4 * 1024 * 1024;
/** restic nests five levels. */
const deepest = 64;
/** A node of a tree has hundreds of characters, an entry of an index more than a hundred. */
const fewestPerBracket = 12;

/**
 * Refuses JSON that would take many times its size in memory once it is parsed: nothing but nesting, or nothing but
 * empty objects. Errors: `repository.damaged`.
 */
export function refuseJsonBomb(text: string, what: string): void {
  if (text.length <= harmlessLength) return;
  const mostBrackets = text.length / fewestPerBracket;
  let brackets = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === openBrace || code === openBracket) {
      brackets++;
      if (++depth > deepest || brackets > mostBrackets) {
        throw damaged(`${what}: JSON such as no program writes, made to fill the memory`);
      }
    } else if (code === closeBrace || code === closeBracket) depth--;
  }
}

const [quote, backslash] = [0x22, 0x5c];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];

/** Index of the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === backslash) escapes++;
    if (escapes % 2 === 0) return at;
  }
  return text.length;
}
