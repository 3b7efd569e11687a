import { pipeline } from 'node:stream/promises';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { cancelled, LifeboatError, type Progress, throwIfAborted } from '../../core/index.ts';
import { formatTupleId, type TupleId } from './destruction.ts';
import { queryError, type Session } from './session.ts';
import { pastColumns, stageColumns, type TableMatch } from './table-match.ts';

/** Tuple ids in one statement: some 60 KiB of SQL. */
const tuplesPerStatement = 4000;

/**
 * Copies the destroyed rows of one table from the past server into a temporary table of the live one, with the types
 * the columns have now. Streams; memory stays bounded. Returns the number of rows.
 */
export async function stageRows(
  past: Session,
  live: Session,
  match: TableMatch,
  progress: Progress,
): Promise<number> {
  const name = match.stageSql.replace('pg_temp.', '');
  const columns = match.columns.map(
    (each) => `"${each.live.replaceAll('"', '""')}" as ${each.stage}`,
  );
  await live.run(
    `create temp table ${name} on commit drop as select ${columns.join(', ')} from only ${match.liveSql} with no data`,
  );
  await live.run(`alter table ${match.stageSql} add column n int8 generated always as identity`);
  const task = `stage-${match.index}`;
  progress({ type: 'begin', task, title: `read destroyed rows of ${match.display}` });
  const selects = match.file.truncated
    ? [`select ${pastColumns(match)} from only ${match.pastSql}`]
    : tupleSelects(match, match.file.deleted);
  const target = `copy ${match.stageSql} (${stageColumns(match)}) from stdin`;
  const total = match.file.truncated ? undefined : match.file.deleted.length;
  const rows = await copyRows(past, live, selects, target, (done) => {
    progress({
      type: 'progress',
      task,
      done,
      ...(total === undefined ? {} : { total }),
      unit: 'rows',
    });
  });
  if (total !== undefined && rows !== total) {
    throw new LifeboatError(
      'rescue.failed',
      `${match.display}: the log names ${total} destroyed rows, the server of the past holds ${rows} of them`,
      {
        hint: 'Nothing was changed. Recover the table with lifeboat open or lifeboat restore instead.',
      },
    );
  }
  await live.run(`create index on ${match.stageSql} (n)`);
  await live.run(`analyze ${match.stageSql}`);
  progress({ type: 'end', task, summary: `${rows} rows` });
  return rows;
}

/** SELECTs that together read the rows at these places of the past table. */
export function* tupleSelects(match: TableMatch, tuples: ArrayLike<TupleId>): Generator<string> {
  for (let start = 0; start < tuples.length; start += tuplesPerStatement) {
    const count = Math.min(tuplesPerStatement, tuples.length - start);
    const ids = Array.from({ length: count }, (_, at) =>
      formatTupleId(tuples[start + at] as number),
    );
    const list = ids.map((id) => `"${id}"`).join(',');
    yield `select ${pastColumns(match)} from only ${match.pastSql} where ctid = any ('{${list}}'::tid[])`;
  }
}

/** Streams the results of queries on one server into one COPY on the other. Returns the rows read. */
export async function copyRows(
  past: Session,
  live: Session,
  selects: Iterable<string>,
  target: string,
  onRows: (done: number) => void = () => {},
): Promise<number> {
  const { signal } = live;
  throwIfAborted(signal);
  let rows = 0;
  async function* readRows(): AsyncGenerator<Buffer> {
    for (const select of selects) {
      const stream = past.client.query(copyTo(`copy (${select}) to stdout`));
      yield* stream;
      rows += stream.rowCount;
      onRows(rows);
    }
  }
  try {
    await pipeline(readRows, live.client.query(copyFrom(target)), signal ? { signal } : {});
  } catch (error) {
    if (signal?.aborted) throw cancelled(signal);
    throw queryError(error, `${past.place} to ${live.place}`);
  }
  return rows;
}
