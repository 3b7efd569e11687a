import { z } from 'zod';
import type { Repository } from '../../../repository/index.ts';
import { type Drift, matchesTable } from './drift.ts';

/** Stored as a record of kind `announcement`: what happens to these tables in that time is meant to. */
const announcementSchema = z.object({
  format: z.literal(1),
  /** Patterns, see `matchesTable`. */
  tables: z.array(z.string().min(1)).min(1).readonly(),
  from: z.iso.datetime(),
  until: z.iso.datetime(),
  reason: z.string().exactOptional(),
});

export type AnnouncementRecord = z.infer<typeof announcementSchema>;

export interface Announcement {
  /** When it was made. */
  readonly madeMs: number;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly tables: readonly string[];
}

const announcementKind = 'announcement';

/** Durable when it resolves. What had drifted of these tables until now is acknowledged with it. */
export async function announce(
  repository: Repository,
  source: string,
  announcement: Omit<AnnouncementRecord, 'format'>,
): Promise<void> {
  const body = { format: 1, ...announcement };
  await repository.records.append({ kind: announcementKind, source, body });
}

/** One that does not parse announces nothing. */
export async function listAnnouncements(
  repository: Repository,
  source: string,
): Promise<readonly Announcement[]> {
  const records = await repository.records.list({ kind: announcementKind, source });
  return records.flatMap(({ time, body }) => {
    const parsed = announcementSchema.safeParse(body);
    if (!parsed.success) return [];
    const { from, until, tables } = parsed.data;
    return [
      { madeMs: time.getTime(), fromMs: Date.parse(from), untilMs: Date.parse(until), tables },
    ];
  });
}

type Where = Pick<Drift, 'database' | 'schema' | 'table'>;

function concern(announcements: readonly Announcement[], where: Where): readonly Announcement[] {
  return announcements.filter(({ tables }) => tables.some((each) => matchesTable(each, where)));
}

/** Up to when the past of a table does not count at `nowMs`; a time to come: it is not judged at all. */
export function quietUntil(
  announcements: readonly Announcement[],
  where: Where,
  nowMs: number,
): number {
  const begun = concern(announcements, where).filter(({ fromMs }) => fromMs <= nowMs);
  return Math.max(0, ...begun.map(({ madeMs, untilMs }) => Math.max(madeMs, untilMs)));
}

/** Somebody who knew of the drift has said that it was meant. */
export function isAcknowledged(
  announcements: readonly Announcement[],
  drift: Drift,
  foundMs: number,
): boolean {
  return concern(announcements, drift).some(
    ({ madeMs, fromMs }) => madeMs >= foundMs && fromMs <= madeMs,
  );
}

/** What happened to the table at that moment was meant: said before, or after it. */
export function isAnnounced(
  announcements: readonly Announcement[],
  where: Where,
  atMs: number,
): boolean {
  return concern(announcements, where).some(
    ({ madeMs, fromMs, untilMs }) =>
      (madeMs >= atMs && fromMs <= madeMs) || (fromMs <= atMs && atMs <= untilMs),
  );
}
