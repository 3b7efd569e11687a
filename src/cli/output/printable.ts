/**
 * A name as a terminal may have it: control characters (a name may hold the sequences that rewrite a screen) and bytes that are no UTF-8
 * are escaped as `\x1b`. Also what turns the direction of writing, which can make one name look like another.
 */
export function printable(text: string): string {
  if (!/[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/u.test(text)) return text;
  return text.replace(/[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/gu, escaped);
}

/** First what stays: bold, dim, colours, ends of lines. */
const unprintable = new RegExp(
  `(${String.fromCharCode(27)}\\[(?:[0-2]|22|3\\d)m|[\\n\\t])|[\\p{Cc}\\p{Cs}\\p{Bidi_Control}\\u2028\\u2029]`,
  'gu',
);

/** The same for a text of several lines that has our own colours: whatever is quoted in it, a message or a name, cannot move the cursor. */
export function printableText(text: string): string {
  if (!/[^\P{Cc}\n]|[\p{Cs}\p{Bidi_Control}\u2028\u2029]/u.test(text)) return text;
  return text.replace(unprintable, (character, kept?: string) => kept ?? escaped(character));
}

function escaped(character: string): string {
  const code = character.codePointAt(0) as number;
  const byte = code >= 0xdc80 && code <= 0xdcff ? code - 0xdc00 : code;
  const digits = byte.toString(16);
  return byte < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u${digits.padStart(4, '0')}`;
}
