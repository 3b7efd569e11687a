/**
 * What a program said, as an error or a record may hold it: escape sequences and control characters are taken out (they can rewrite a
 * terminal), passwords in addresses are covered.
 */
export function harmlessText(text: string): string {
  return text
    .replace(escapeSequences, '')
    .replace(/[^\P{Cc}\n\t]|[\p{Cs}\p{Bidi_Control}\u2028\u2029]/gu, '')
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/@]+@/gi, '$1:[secret]@');
}

/** Lines of the output of a program; an empty one at the end is none. */
export function harmlessLines(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => harmlessText(line).trimEnd());
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

const [bell, esc] = [String.fromCharCode(7), String.fromCharCode(27)];
/** CSI ("move the cursor"), OSC ("set the title") up to their end, and the short ones ("reset"). */
const escapeSequences = new RegExp(
  [
    `${esc}\\[[0-?]*[ -/]*[@-~]`,
    `${esc}\\][^${bell}${esc}\\n]*(?:${bell}|${esc}\\\\)?`,
    `${esc}[ -/]*[0-~]`,
  ].join('|'),
  'g',
);
