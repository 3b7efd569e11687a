import type { NotChecked } from '../check.ts';
import type { Place } from '../place.ts';

/** What is not compared with what was there before. */
export function formerGap({ former }: Place): readonly NotChecked[] {
  const announced = former?.announced ?? [];
  return announced.map((what) => ({ what, why: 'its change was announced' }));
}

/** The server's own: nobody's data. */
export function isSystemSchema(schema: string): boolean {
  return ['pg_catalog', 'information_schema', 'pg_toast'].includes(schema);
}
