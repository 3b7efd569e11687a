import { isLifeboatError, sleep } from '../../../core/index.ts';
import { PageVerifier } from '../../../sources/index.ts';
import type { Session } from '../../rescue/session.ts';
import type { CheckPlan, CheckUnit, NotChecked, UnitOutcome } from '../check.ts';
import { describeRelation } from '../describe-relation.ts';
import type { Desk } from '../desk.ts';
import type { Place } from '../place.ts';
import { storedRelations } from '../relations.ts';
import { blocksKept, damageOf } from './damaged-blocks.ts';

export const pieceBytes = 1024 * 1024;
const attempts = 5;
const pauseMs = 200;
const readFunction = 'pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean)';

/** Where files cannot be opened from here, the server reads them: through its own function, page by page as they are on its disk. */
export async function planBySql(place: Place, desk: Desk): Promise<CheckPlan> {
  const units: CheckUnit[] = [];
  const notChecked: NotChecked[] = [];
  const verifier = new PageVerifier(place.pageSizeBytes);
  for (const database of place.databases) {
    const session = await desk.session(database.name);
    const why = await whyNotBySql(session);
    if (why !== undefined) {
      notChecked.push({ what: `pages of ${database.name}`, why });
      continue;
    }
    for (const relation of await storedRelations(desk, [database], ['r', 'm', 't', 'i', 'S'])) {
      const object = describeRelation(relation);
      units.push({
        object,
        bytes: relation.bytes,
        keepsPace: true,
        run: (at) => checkRelation(at, database.name, relation.oid, verifier),
      });
    }
  }
  return { units, notChecked };
}

/** Why files cannot be read by way of the server; undefined: they can. */
export async function whyNotBySql(session: Session): Promise<string | undefined> {
  const [right] = await session.rows<{ is: boolean }>(
    `select has_function_privilege('${readFunction}', 'EXECUTE') as is`,
  );
  if (right?.is) return undefined;
  return `the role may not read files; a superuser can allow it: GRANT EXECUTE ON FUNCTION ${readFunction} TO the role`;
}

async function checkRelation(
  desk: Desk,
  database: string,
  oid: number,
  verifier: PageVerifier,
): Promise<UnitOutcome> {
  const session = await desk.session(database);
  const [found] = await session.rows<{ path: string | null }>(
    'select pg_relation_filepath($1::int8::oid) as path',
    [oid],
  );
  // Dropped since the list was made.
  if (typeof found?.path !== 'string') return { problems: [] };
  const { segmentPages } = desk.place;
  for (let segment = 0; ; segment++) {
    const path = segment === 0 ? found.path : `${found.path}.${segment}`;
    const file = { path, firstBlock: segment * segmentPages };
    const seen = await checkFile(desk, session, file, verifier);
    if (seen.failed.length > 0) {
      const damaged = { ...file, blocks: seen.failed.slice(0, blocksKept) };
      return { problems: damageOf(seen.failed), damaged };
    }
    if (seen.pages < segmentPages) return { problems: [] };
  }
}

export interface RelationFile {
  readonly path: string;
  /** Within the relation. */
  readonly firstBlock: number;
}

async function checkFile(
  desk: Desk,
  session: Session,
  file: RelationFile,
  verifier: PageVerifier,
): Promise<{ readonly pages: number; readonly failed: readonly number[] }> {
  const failed: number[] = [];
  for (let pages = 0; ; ) {
    const seen = await checkPiece(desk, session, file, pages, verifier);
    failed.push(...seen.failed);
    pages += seen.pages;
    if (seen.pages * desk.place.pageSizeBytes < pieceBytes) return { pages, failed };
  }
}

/** Up to `pieceBytes` from a page of the file on; fewer pages where it ends. `failed` counts within the relation. */
export async function checkPiece(
  desk: Desk,
  session: Session,
  file: RelationFile,
  fromPage: number,
  verifier: PageVerifier,
): Promise<{ readonly pages: number; readonly failed: readonly number[] }> {
  const size = desk.place.pageSizeBytes;
  const failed: number[] = [];
  const bytes = await readPiece(session, file.path, fromPage * size, pieceBytes);
  await desk.place.pace?.(bytes.length);
  const pages = Math.floor(bytes.length / size);
  const first = file.firstBlock + fromPage;
  for (const block of verifier.failures(bytes.subarray(0, pages * size), first)) {
    if (await isStillBad(desk, session, file, block, verifier)) failed.push(block);
  }
  return { pages, failed };
}

/** The server may have been writing the page just then; damage stays. */
async function isStillBad(
  desk: Desk,
  session: Session,
  file: RelationFile,
  block: number,
  verifier: PageVerifier,
): Promise<boolean> {
  const size = desk.place.pageSizeBytes;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const page = await readPiece(session, file.path, (block - file.firstBlock) * size, size);
    if (page.length < size || verifier.failures(page, block).length === 0) return false;
    await sleep(pauseMs, desk.signal);
  }
  return true;
}

/** Nothing of a file that is not there any more, or not yet. */
async function readPiece(
  session: Session,
  path: string,
  at: number,
  length: number,
): Promise<Uint8Array> {
  try {
    const [row] = await session.rows<{ bytes: Buffer | null }>(
      'select pg_read_binary_file($1, $2, $3, true) as bytes',
      [path, at, length],
    );
    return row?.bytes ?? new Uint8Array(0);
  } catch (error) {
    if (isLifeboatError(error, 'postgres.query') && error.context.sqlstate === '58P01') {
      return new Uint8Array(0);
    }
    throw error;
  }
}
