/** A value in a connection string of libpq, whatever it holds. */
export function quoteConnectionValue(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
