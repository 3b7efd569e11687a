import { LifeboatError } from '../../../core/index.ts';

/** Splits at blanks; `'...'` and `"..."` hold together what contains some. Nothing is expanded. */
export function shellWords(text: string, variable: string): string[] {
  const words: string[] = [];
  const pattern = /\s+|((?:[^\s'"]+|'[^']*'|"[^"]*")+)/gy;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) {
      throw new LifeboatError('usage.invalid', `${variable} has an open quotation mark`, {
        hint: `Close the quotation mark in ${variable}.`,
      });
    }
    if (match[1] !== undefined) words.push(match[1].replace(/'([^']*)'|"([^"]*)"/g, '$1$2'));
  }
  return words;
}
