const units = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/** `"10 GiB"`, `"500MB"` -> bytes; undefined when it is not a size. */
export function parseByteSize(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([KMGT]?i?B)\s*$/i.exec(text);
  if (!match) return undefined;
  const unit = units[(match[2] as string).toUpperCase() as keyof typeof units];
  return Math.floor(Number(match[1]) * unit);
}

const spanUnitsMs = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
};

/** `"30s"`, `"12h"`, `"1y"` (365 days) -> milliseconds; undefined when it is no span of time. */
export function parseTimeSpan(text: string): number | undefined {
  const match = /^(\d{1,6})([smhdwy])$/.exec(text.trim());
  if (!match) return undefined;
  const spanMs = Number(match[1]) * spanUnitsMs[match[2] as keyof typeof spanUnitsMs];
  return spanMs > 0 ? spanMs : undefined;
}
