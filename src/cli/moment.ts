import { LifeboatError } from '../core/index.ts';

const unitMs = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};
const shortUnits: Record<string, keyof typeof unitMs> = {
  s: 'second',
  sec: 'second',
  m: 'minute',
  min: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
};

/**
 * A moment as people write it: `2026-11-21T14:29:00Z`, `2026-11-21 14:29` (local time), `14:29` (today, local
 * time), `14:29 UTC`, `10 minutes ago`, `now`. Throws `usage.invalid`; a moment to come is refused.
 */
export function parseMoment(text: string, now: Date): Date {
  const trimmed = text.trim();
  const moment =
    trimmed === 'now' ? now : (ago(trimmed, now) ?? today(trimmed, now) ?? iso(trimmed));
  if (moment === undefined || Number.isNaN(moment.getTime())) {
    throw invalid(text, 'not a moment');
  }
  if (moment > now) {
    throw invalid(text, `${formatMoment(moment)} is still to come`);
  }
  return moment;
}

function ago(text: string, now: Date): Date | undefined {
  const match = /^(\d{1,6}) ?([a-z]+) ago$/.exec(text);
  if (!match) return undefined;
  const word = match[2] as string;
  const unit = shortUnits[word] ?? word.replace(/s$/, '');
  if (!Object.hasOwn(unitMs, unit)) return undefined;
  return new Date(now.getTime() - Number(match[1]) * unitMs[unit as keyof typeof unitMs]);
}

function today(text: string, now: Date): Date | undefined {
  const match = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?( ?(?:Z|UTC))?$/.exec(text);
  if (!match) return undefined;
  const [hours, minutes, seconds] = [match[1], match[2], match[3] ?? 0].map(Number) as [
    number,
    number,
    number,
  ];
  const moment = new Date(now);
  if (match[4] === undefined) moment.setHours(hours, minutes, seconds, 0);
  else moment.setUTCHours(hours, minutes, seconds, 0);
  return moment;
}

function iso(text: string): Date | undefined {
  const match =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,6})?)?)(?: ?(Z|UTC|[+-]\d{2}(?::?\d{2})?))?)?$/.exec(
      text,
    );
  if (!match) return undefined;
  const [, day, time = '00:00', zone = ''] = match;
  // PostgreSQL itself writes whole hours as `+00`.
  const offset =
    zone === 'UTC'
      ? 'Z'
      : zone.replace(
          /^([+-]\d{2}):?(\d{2})?$/,
          (_, hours, minutes = '00') => `${hours}:${minutes}`,
        );
  const moment = new Date(`${day}T${time.replace(',', '.')}${offset}`);
  // `2026-02-31` would silently become a day in March.
  const wallDay = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(wallDay.getTime()) || wallDay.toISOString().slice(0, 10) !== day)
    return undefined;
  return moment;
}

/** Local time, always with its zone: `2026-11-21 14:29:05.123 UTC`, `2026-11-21 15:29:05.123 +01:00`. */
export function formatMoment(moment: Date, options: { readonly ms?: boolean } = {}): string {
  const offsetMinutes = -moment.getTimezoneOffset();
  const local = new Date(moment.getTime() + offsetMinutes * 60_000).toISOString();
  const clock = local.slice(0, options.ms ? 23 : 19).replace('T', ' ');
  return `${clock} ${zoneText(offsetMinutes)}`;
}

function zoneText(offsetMinutes: number): string {
  if (offsetMinutes === 0) return 'UTC';
  const digits = (value: number) => String(value).padStart(2, '0');
  const size = Math.abs(offsetMinutes);
  return `${offsetMinutes < 0 ? '-' : '+'}${digits(Math.floor(size / 60))}:${digits(size % 60)}`;
}

function invalid(text: string, fact: string): LifeboatError {
  return new LifeboatError('usage.invalid', `cannot use ${JSON.stringify(text)}: ${fact}`, {
    hint: 'Write a moment as 2026-11-21T14:29:00Z, "2026-11-21 14:29" or 14:29 (local time), or "10 minutes ago".',
  });
}
