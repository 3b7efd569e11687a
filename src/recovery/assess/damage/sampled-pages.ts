import { PageVerifier } from '../../../sources/index.ts';
import type { Session } from '../../rescue/session.ts';
import {
  type Check,
  type CheckPlan,
  type CheckUnit,
  type NotChecked,
  type UnitOutcome,
  whole,
} from '../../validate/check.ts';
import { blocksKept, damageOf } from '../../validate/checks/damaged-blocks.ts';
import { pageChecksums } from '../../validate/checks/page-checksums.ts';
import {
  checkPiece,
  pieceBytes,
  type RelationFile,
  whyNotBySql,
} from '../../validate/checks/pages-by-sql.ts';
import { describeRelation } from '../../validate/describe-relation.ts';
import type { Desk } from '../../validate/desk.ts';
import type { Place } from '../../validate/place.ts';
import { type StoredRelation, storedRelations } from '../../validate/relations.ts';

export interface SampleBounds {
  readonly bytesPerSecond: number;
  /** performance.now() */
  readonly untilMs: number;
  /** Names that are looked at first: `shop.public.orders`. */
  readonly first: readonly string[];
}

/** Of what does not fit into the time at least so many places are looked at, evenly spread. */
const leastPieces = 4;

/**
 * The checksums of as many pages as there is time for: what looks damaged first, then the smallest, so that the catalogs and most tables
 * are read whole; of the large ones pieces from all over. How much was left out is told.
 */
export function sampledPages(bounds: SampleBounds): Check {
  return { ...pageChecksums, plan: (place, desk) => plan(place, desk, bounds) };
}

async function plan(place: Place, desk: Desk, bounds: SampleBounds): Promise<CheckPlan> {
  if (!place.hasChecksums) return await pageChecksums.plan(place, desk);
  const { bytesPerSecond, untilMs, first } = bounds;
  const verifier = new PageVerifier(place.pageSizeBytes);
  const relations: StoredRelation[] = [];
  const notChecked: NotChecked[] = [];
  for (const database of place.databases) {
    const why = await whyNotBySql(await desk.session(database.name));
    if (why !== undefined) notChecked.push({ what: `pages of ${database.name}`, why });
    else relations.push(...(await storedRelations(desk, [database], ['r', 'm', 't', 'i', 'S'])));
  }
  const isFirst = (each: StoredRelation) => first.includes(describeRelation(each));
  const sorted = relations.toSorted(
    (a, b) => Number(isFirst(b)) - Number(isFirst(a)) || a.bytes - b.bytes,
  );
  let room = (Math.max(0, untilMs - performance.now()) / 1000) * bytesPerSecond;
  const units = sorted.map((relation, at): CheckUnit => {
    const share = Math.max(room / (sorted.length - at), leastPieces * pieceBytes);
    // What is to be looked at first may take half of all.
    const most = isFirst(relation) ? Math.max(share, room / 2) : share;
    room -= Math.min(relation.bytes, most);
    return {
      object: describeRelation(relation),
      bytes: Math.min(relation.bytes, most),
      keepsPace: true,
      run: (own) => sample(own, relation, { mostBytes: most, untilMs, verifier }),
    };
  });
  return { units, notChecked };
}

interface Sampling {
  readonly mostBytes: number;
  readonly untilMs: number;
  readonly verifier: PageVerifier;
}

async function sample(
  desk: Desk,
  { database, oid }: StoredRelation,
  { mostBytes, untilMs, verifier }: Sampling,
): Promise<UnitOutcome> {
  if (performance.now() >= untilMs) return leftOut(0, 0);
  const session = await desk.session(database);
  const files = await filesOf(desk, session, oid);
  if (files === undefined) return { problems: ['the file of its pages is not there'] };
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const pieces = files.flatMap(({ file, bytes }) => {
    const count = Math.ceil(bytes / pieceBytes);
    return Array.from({ length: count }, (_, at) => ({ file, at }));
  });
  const step = Math.max(1, total / mostBytes);
  let read = 0;
  for (let at = 0; at < pieces.length; at += step) {
    if (performance.now() >= untilMs) return leftOut(read, total);
    const { file, at: number } = pieces[Math.floor(at)] as (typeof pieces)[number];
    const { pageSizeBytes } = desk.place;
    const fromPage = (number * pieceBytes) / pageSizeBytes;
    const { pages, failed } = await checkPiece(desk, session, file, fromPage, verifier);
    read += pages * pageSizeBytes;
    if (failed.length === 0) continue;
    return {
      problems: damageOf(failed),
      damaged: { ...file, blocks: failed.slice(0, blocksKept) },
      notChecked: 'the rest of it was not read once a damaged page was found',
    };
  }
  return step > 1 ? leftOut(read, total) : whole;
}

function leftOut(read: number, total: number): UnitOutcome {
  const mebibytes = (bytes: number) => Math.ceil(bytes / 1024 ** 2);
  const why =
    read === 0
      ? 'there was no time left for its pages'
      : `${mebibytes(read)} of ${mebibytes(total)} MiB of its pages were read`;
  return { problems: [], notChecked: why };
}

/** Undefined: the first of them is missing. With their sizes as the file system has them: to ask for that of the relation would wait for whoever has locked it. */
async function filesOf(
  desk: Desk,
  session: Session,
  oid: number,
): Promise<readonly { readonly file: RelationFile; readonly bytes: number }[] | undefined> {
  const first = await pathOf(session, oid);
  const files: { file: RelationFile; bytes: number }[] = [];
  // Dropped since the list was made.
  if (first === undefined) return files;
  for (let segment = 0; ; segment++) {
    const path = segment === 0 ? first : `${first}.${segment}`;
    const [row] = await session.rows<{ size: string | null }>(
      'select size::text from pg_stat_file($1, true)',
      [path],
    );
    // Dropped or rewritten just then, or really gone.
    const isGone = segment === 0 && typeof row?.size !== 'string';
    if (isGone) return (await pathOf(session, oid)) === first ? undefined : files;
    const bytes = Number(row?.size ?? 0);
    if (bytes > 0)
      files.push({ file: { path, firstBlock: segment * desk.place.segmentPages }, bytes });
    if (bytes < desk.place.segmentPages * desk.place.pageSizeBytes) return files;
  }
}

async function pathOf(session: Session, oid: number): Promise<string | undefined> {
  const [found] = await session.rows<{ path: string | null }>(
    'select pg_relation_filepath($1::int8::oid) as path',
    [oid],
  );
  return found?.path ?? undefined;
}
