import { quoteArgument } from '../next-command.ts';

/**
 * A text that somebody else wrote, so that nothing of it is hidden: whatever does not print, or prints as nothing (control characters,
 * spaces of other kinds, what has no width), is written as its number.
 */
export function visible(text: string): string {
  return text.replace(/[^\P{C}]|[^\P{Z} ]|\p{Default_Ignorable_Code_Point}/gu, (character) => {
    const digits = (character.codePointAt(0) as number).toString(16);
    return digits.length <= 2 ? `\\x${digits.padStart(2, '0')}` : `\\u{${digits}}`;
  });
}

/** A command as it could be typed, every argument set off from the next. */
export function visibleCommand(words: readonly string[]): string {
  return words.map((each) => visible(quoteArgument(each))).join(' ');
}
