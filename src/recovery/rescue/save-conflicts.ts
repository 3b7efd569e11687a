import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { to as copyTo } from 'pg-copy-streams';
import { cancelled, fileError, syncFolder } from '../../core/index.ts';
import { conflictVerdicts, type Verdict, type VerdictCount, verdictsSql } from './row-verdicts.ts';
import { queryError, type Session } from './session.ts';
import { quoteText } from './sql-text.ts';
import { liveColumns, stageColumns, type TableMatch } from './table-match.ts';

/** Rows that were not put back, in COPY's text format. */
export interface SavedConflict {
  readonly table: string;
  readonly reason: Verdict;
  readonly constraint: string;
  readonly rows: number;
  /** Absolute path. Load it with `copyCommand` once its cause is settled. */
  readonly path: string;
  readonly copyCommand: string;
}

export function isConflict(count: VerdictCount): boolean {
  return conflictVerdicts.some((verdict) => verdict === count.verdict);
}

/** Saves every conflicting row, durably, one file per table and reason. `name` begins the file names. */
export async function saveConflicts(
  live: Session,
  matches: readonly TableMatch[],
  counts: readonly VerdictCount[],
  folder: string,
  name: string,
): Promise<readonly SavedConflict[]> {
  const saved: SavedConflict[] = [];
  const taken = new Set<string>();
  for (const count of counts.filter(isConflict)) {
    const match = matches[count.table] as TableMatch;
    const parts = [name, match.display, count.verdict, count.constraint].filter(
      (part) => part !== '',
    );
    let file = parts.map(safeName).join('-');
    for (let again = 2; taken.has(file); again++)
      file = `${parts.map(safeName).join('-')}-${again}`;
    taken.add(file);
    const path = join(folder, `${file}.copy`);
    const query = `select ${stageColumns(match, 's.')} from ${match.stageSql} s
      join ${verdictsSql} v on v.t = ${match.index} and v.n = s.n
      where v.verdict = ${quoteText(count.verdict)} and v.detail = ${quoteText(count.constraint)} order by s.n`;
    await saveQuery(live, query, path);
    saved.push({
      table: match.display,
      reason: count.verdict,
      constraint: count.constraint,
      rows: count.rows,
      path,
      copyCommand: `\\copy ${match.liveSql} (${liveColumns(match)}) from '${path.replaceAll("'", "''")}'`,
    });
  }
  return saved;
}

/** Streams a query into a file that afterwards is whole and durable, or absent. An older file is replaced. */
async function saveQuery(live: Session, query: string, path: string): Promise<void> {
  const temporary = `${path}-tmp-${randomBytes(6).toString('hex')}`;
  const { signal } = live;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const rows = live.client.query(copyTo(`copy (${query}) to stdout`));
    const file = createWriteStream(temporary, { flags: 'wx', mode: 0o600 });
    await pipeline(rows, file, signal ? { signal } : {});
    const written = await open(temporary, 'r+');
    try {
      await written.sync();
    } finally {
      await written.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    if (signal?.aborted) throw cancelled(signal);
    const { code } = error as { code?: string };
    if (code && /^E[A-Z]+$/.test(code)) throw fileError(error, `could not write ${path}`);
    throw queryError(error, live.place);
  }
}

function safeName(text: string): string {
  return text.replace(/[^A-Za-z0-9_.]/g, '_').slice(0, 100);
}
