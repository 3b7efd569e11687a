import { parseByteSize } from '../config/index.ts';
import { LifeboatError } from '../core/index.ts';

/** What commands that take a lock offer, under the name `wait`. */
export const waitOption = {
  flags: '--wait <duration>',
  description: 'wait that long (30s, 10m, 2h) for whoever holds the lock; default: refuse at once',
} as const;

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90s`, `10m`, `1h30m`, `2d`. Errors: `usage.invalid`, which names the option. */
export function durationOption(flag: string, text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*([smhd])/g)];
  const isWhole =
    parts.map(([part]) => part).join('') === text.replaceAll(/\s/g, '') || text === '0';
  if (!isWhole) {
    throw invalid(`${flag} ${JSON.stringify(text)} is no duration`, 'Write 30s, 10m, 1h30m or 2d.');
  }
  return parts.reduce(
    (sum, [, value, unit]) => sum + Number(value) * (unitMs[unit as string] as number),
    0,
  );
}

/** For a lock, from `--wait`. */
export function lockWait(wait: string | undefined): { readonly lockWaitMs?: number } {
  return wait === undefined ? {} : { lockWaitMs: durationOption('--wait', wait) };
}

/** `500M`, `10 GiB`. Errors: `usage.invalid`. */
export function sizeOption(flag: string, text: string): number {
  // restic's users write 10G for GiB.
  const bytes =
    parseByteSize(text.replace(/(\d)\s*([kmgt])$/i, '$1$2iB')) ?? parseByteSize(`${text}B`);
  if (bytes !== undefined) return bytes;
  throw invalid(
    `${flag} ${JSON.stringify(text)} is no size`,
    'Write 500M, 10 GiB or a number of bytes.',
  );
}

/** `5%` as 0.05. Undefined when it is none. */
export function percentage(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(text);
  const value = match ? Number(match[1]) / 100 : undefined;
  return value === undefined || value > 1 ? undefined : value;
}

function invalid(fact: string, hint: string): LifeboatError {
  return new LifeboatError('usage.invalid', fact, { hint });
}
