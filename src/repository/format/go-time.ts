const nsPerSecond = 1_000_000_000n;
const nsPerMs = 1_000_000n;

// Go's RFC3339Nano knows the years 0000 to 9999.
const earliestNs = BigInt(Date.parse('0000-01-01T00:00:00Z')) * nsPerMs;
const latestNs = BigInt(Date.parse('9999-12-31T23:59:59Z')) * nsPerMs + nsPerSecond - 1n;

/** RFC3339Nano in UTC as Go writes it: no trailing zeros in the fraction. Clamped to what it can express. */
export function formatGoTime(timeNs: bigint): string {
  const clamped = timeNs < earliestNs ? earliestNs : timeNs > latestNs ? latestNs : timeNs;
  let fraction = clamped % nsPerSecond;
  if (fraction < 0n) fraction += nsPerSecond;
  const whole = new Date(Number((clamped - fraction) / nsPerMs)).toISOString().slice(0, 19);
  if (fraction === 0n) return `${whole}Z`;
  return `${whole}.${fraction.toString().padStart(9, '0').replace(/0+$/, '')}Z`;
}

const pattern =
  /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9})\d*)?(Z|[+-]\d{2}:\d{2}(?::\d{2})?)$/;

/** Nanoseconds since 1970, or undefined when `text` is no RFC 3339 time. */
export function parseGoTime(text: string): bigint | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, whole, fraction = '', zone = 'Z'] = match;
  // Some historic zones have seconds, which Date cannot parse: RFC3339 cuts them off as well.
  const ms = Date.parse(`${whole}${zone.slice(0, 6)}`);
  if (Number.isNaN(ms)) return undefined;
  return BigInt(ms) * nsPerMs + BigInt(fraction.padEnd(9, '0'));
}
