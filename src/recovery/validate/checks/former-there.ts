import type { NotChecked } from '../check.ts';
import type { Place } from '../place.ts';

/** Why what was there before is not compared with. */
export function formerGap({ former }: Place): readonly NotChecked[] {
  if (former === undefined) return [];
  return 'why' in former ? [{ what: 'what was there before', why: former.why }] : [];
}

/** The server's own: nobody's data. */
export function isSystemSchema(schema: string): boolean {
  return ['pg_catalog', 'information_schema', 'pg_toast'].includes(schema);
}
