import { formatCount } from '../../core/index.ts';

/** `1 row`, `2,000 rows`. */
export function countOf(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}
