/**
 * A name as a terminal may have it: control characters (a name may hold the sequences that rewrite a screen) and bytes that are no UTF-8
 * are escaped as `\x1b`. Also what turns the direction of writing, which can make one name look like another.
 */
export function printable(text: string): string {
  if (!/[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/u.test(text)) return text;
  return text.replace(/[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) as number;
    const byte = code >= 0xdc80 && code <= 0xdcff ? code - 0xdc00 : code;
    const digits = byte.toString(16);
    return byte < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u${digits.padStart(4, '0')}`;
  });
}
