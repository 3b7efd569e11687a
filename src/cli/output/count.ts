/** `1234567` -> `1,234,567`. */
export function formatCount(value: number | bigint): string {
  return value.toLocaleString('en-US');
}

/** `1 row`, `2,000 rows`. */
export function countOf(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}
