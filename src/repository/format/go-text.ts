import { isRawByte, nameFromBytes } from './raw-name.ts';

/** A JSON string as Go's encoding/json writes it, HTML escaping on; bytes that are no UTF-8 become `\ufffd`. */
export function goJsonString(text: string): string {
  const parts = text.split(/\p{Cs}/u).map((part) => JSON.stringify(part).slice(1, -1));
  return escapeForGo(`"${parts.join('\\ufffd')}"`);
}

/** What Go's encoder escapes in JSON and JavaScript's does not. */
export function escapeForGo(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (character) => unicodeEscape(character.charCodeAt(0)));
}

/** Go's strconv.Quote without the outer quotes: how restic stores names. Undone by `goUnquote`. */
export function goQuote(name: string): string {
  if (/^[ !#-[\]-~]*$/.test(name)) return name;
  let quoted = '';
  for (const character of name) quoted += quoteCharacter(character);
  return quoted;
}

/** The name behind `goQuote`, or undefined when `quoted` is no such text. */
export function goUnquote(quoted: string): string | undefined {
  if (!quoted.includes('\\')) return /["\n]/.test(quoted) ? undefined : quoted;
  const bytes: Buffer[] = [];
  let at = 0;
  for (const match of quoted.matchAll(escapeOrPlain)) {
    if (match.index !== at) return undefined;
    at += match[0].length;
    const part = unescapePart(match[0]);
    if (part === undefined) return undefined;
    bytes.push(part);
  }
  return at === quoted.length ? nameFromBytes(Buffer.concat(bytes)) : undefined;
}

const shortEscapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};
const shortMeanings = new Map(Object.entries(shortEscapes).map(([plain, text]) => [text, plain]));

const escapeOrPlain =
  /\\[abfnrtv\\"]|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\[0-7]{3}|[^\\"\n]+/g;

// What Go's unicode.IsPrint accepts: letters, marks, numbers, punctuation, symbols, and the ASCII space.
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

function quoteCharacter(character: string): string {
  const short = shortEscapes[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) as number;
  if (isRawByte(code)) return byteEscape(code - 0xdc00);
  if (printable.test(character)) return character;
  if (code < 0x20 || code === 0x7f) return byteEscape(code);
  if (code < 0x10000) return unicodeEscape(code);
  return `\\U${code.toString(16).padStart(8, '0')}`;
}

function unescapePart(part: string): Buffer | undefined {
  if (!part.startsWith('\\')) return Buffer.from(part, 'utf8');
  const short = shortMeanings.get(part);
  if (short !== undefined) return Buffer.from(short);
  if (part[1] === 'x') return Buffer.of(Number.parseInt(part.slice(2), 16));
  if (part[1] === 'u' || part[1] === 'U') {
    const code = Number.parseInt(part.slice(2), 16);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
    return Buffer.from(String.fromCodePoint(code), 'utf8');
  }
  const octal = Number.parseInt(part.slice(1), 8);
  return octal < 256 ? Buffer.of(octal) : undefined;
}

function byteEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

function unicodeEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}
