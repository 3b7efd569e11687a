import type { QueryArrayConfig } from 'pg';
import type { SqlCheckSetting } from '../../../config/index.ts';
import { isLifeboatError, throwIfAborted } from '../../../core/index.ts';
import { openSqlClient, parseConnectionUrl } from '../../../sources/index.ts';
import { type Finding, fails, holds } from './application-result.ts';
import type { CheckSurroundings } from './check-surroundings.ts';

/** Runs the query in a transaction that can change nothing, with the search path of the role. Values are not repeated. */
export async function checkSql(
  check: SqlCheckSetting,
  { secret }: CheckSurroundings,
  signal: AbortSignal,
): Promise<Finding> {
  const password = check.password && (await secret('password of the check', check.password));
  await using session = await openSqlClient(
    parseConnectionUrl(check.connection, password),
    'lifeboat check',
  );
  const { client } = session;
  const end = () => client.end().catch(() => {});
  signal.addEventListener('abort', end, { once: true });
  try {
    await client.query('begin read only; reset search_path');
    // By this protocol the server takes one statement alone: none that ends the transaction and goes on.
    const query = { text: check.sql, rowMode: 'array', queryMode: 'extended' };
    const { rows } = await client.query(query as QueryArrayConfig);
    return judge(check, (rows as unknown[][])[0]?.[0]);
  } catch (error) {
    throwIfAborted(signal);
    if (isLifeboatError(error)) throw error;
    return fails(`the server answered: ${error instanceof Error ? error.message : error}`);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** `pg` gives large numbers as text. */
function judge({ equals, atLeast, atMost }: SqlCheckSetting, value: unknown): Finding {
  if (value === undefined) return fails('the query gave no row');
  if (equals !== undefined) {
    const isSame = value === equals || (equals !== null && String(value) === String(equals));
    return isSame ? holds('the value is right') : fails('the query gave another value');
  }
  if ((atLeast ?? atMost) === undefined) return holds('the query gave a value');
  const number =
    typeof value === 'bigint' || value === null ? Number(value ?? Number.NaN) : Number(value);
  if (Number.isNaN(number)) return fails('the query gave no number');
  if (atLeast !== undefined && number < atLeast) return fails(`less than ${atLeast}`);
  if (atMost !== undefined && number > atMost) return fails(`more than ${atMost}`);
  return holds('the value is within its limits');
}
