/**
 * JSON with the keys of every object sorted by UTF-16 code units and no white space (as RFC 8785 orders
 * them), so that one document has one form. What JSON cannot hold is turned as `JSON.stringify` does it.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(JSON.parse(JSON.stringify(value) ?? 'null')));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  // Without a prototype: a key `__proto__` is a key like any other.
  const result = Object.create(null) as Record<string, unknown>;
  for (const [key, inner] of entries) result[key] = sorted(inner);
  return result;
}
