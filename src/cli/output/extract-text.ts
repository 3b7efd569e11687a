import type { Destination, Extracted } from '../../recovery/index.ts';
import { quoteArgument } from '../next-command.ts';
import type { Style } from './style.ts';

/** Where the parts are now, what did not come along, and what to do next. */
export function describeExtracted(
  destination: Destination,
  { leftOut, database, tables }: Extracted,
  { yellow, dim, bold }: Style,
): readonly string[] {
  const left = leftOut.flatMap(({ what, sql }) => [yellow(`    ${what}`), dim(`      ${sql}`)]);
  const heading =
    destination.kind === 'file'
      ? '  in the file, but about something that is not in it:'
      : '  left out; this SQL brings it back:';
  return [
    ...(left.length > 0 ? [heading, ...left] : []),
    `  next: ${bold(nextStep(destination, database, tables[0]))}`,
  ];
}

function nextStep(
  destination: Destination,
  database: string,
  first: { readonly schema: string; readonly name: string } | undefined,
): string {
  if (destination.kind === 'file') {
    const path = quoteArgument(destination.path);
    if (destination.format === 'plain') return `psql -1 -v ON_ERROR_STOP=1 -f ${path} DATABASE`;
    return `pg_restore -1 -d DATABASE ${path}`;
  }
  const quote = (name: string) =>
    /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
  const name = first === undefined ? '...' : `${quote(first.schema)}.${quote(first.name)}`;
  const place = destination.kind === 'server' ? destination.connection.database : database;
  return `psql -d ${quoteArgument(place)} -c ${quoteArgument(`select * from ${name} limit 10`)}`;
}
