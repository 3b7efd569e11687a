/** Quotes a name so that it can stand in SQL, whatever it contains. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteQualified(schema: string, name: string): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}

/** A string constant that means the same whatever standard_conforming_strings says. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? ` E${quoted}` : quoted;
}

/**
 * SQL: whether two values are the same as text. By way of a row of one column, which the server's own functions write: a cast of the value
 * itself to text may be one that the owner of its type made.
 */
export function sameAsText(left: string, right: string): string {
  const text = (value: string) => `row(${value})::text collate "C"`;
  return `${text(left)} = ${text(right)}`;
}

/** For people: `schema.table`, quoted only where SQL would need it. */
export function displayName(schema: string, name: string): string {
  return [schema, name].map(plainOrQuoted).join('.');
}

function plainOrQuoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : quoteName(name);
}
