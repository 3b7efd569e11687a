import { quoteName, quoteQualified } from '../rescue/sql-text.ts';
import type { LooseSequence } from './loose-sequences.ts';
import type { ChosenParts } from './parts.ts';

/** What pg_dump is to take. In quotes its patterns are names, whatever they hold. */
export function dumpSelection(
  { scope, schemas, tables }: ChosenParts,
  sequences: readonly LooseSequence[],
): readonly string[] {
  switch (scope) {
    case 'database':
      return [];
    case 'schemas':
      return schemas.map((schema) => `--schema=${quoteName(schema)}`);
    case 'tables':
      return [...tables, ...sequences].map(
        ({ schema, name }) => `--table=${quoteQualified(schema, name)}`,
      );
  }
}
