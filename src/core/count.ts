/** `1234567` -> `1,234,567`. Not by toLocaleString, which loads tables of languages first. */
export function formatCount(value: number | bigint): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
