import { type ApplicationCheckFile, parseTimeSpan } from '../../../config/index.ts';
import { formatDuration, isLifeboatError, throwIfAborted } from '../../../core/index.ts';
import type { ApplicationResult, Finding } from './application-result.ts';
import { checkCommand } from './check-command.ts';
import { checkHttp } from './check-http.ts';
import { checkRedis } from './check-redis.ts';
import { checkSql } from './check-sql.ts';
import type { CheckSurroundings } from './check-surroundings.ts';
import { orLate } from './or-late.ts';

const withinDefaultMs = 10_000;

type Setting = Exclude<ApplicationCheckFile, string>;

/** What a check is called: where it has no name, without what may be a secret in an address. */
export function nameOfCheck(check: ApplicationCheckFile): string {
  if (typeof check === 'string') return `GET ${shownAddress(check)}`;
  if (check.name !== undefined) return check.name;
  if ('http' in check) {
    return `${check.method ?? (check.send ? 'POST' : 'GET')} ${shownAddress(check.http)}`;
  }
  if ('command' in check) return check.command.join(' ');
  if ('sql' in check) return check.sql;
  return check.redis.replace(/\/\/[^@/]*@/, '//');
}

/** Neither whom it logs in as, nor the values of its query. */
function shownAddress(address: string): string {
  const plain = address.replace(/\/\/[^@/?#]*@/, '//').replace(/#.*$/s, '');
  return plain.replace(/([?&][^=&]*)=[^&]*/g, '$1=…');
}

/** Runs one check. That it does not hold, or cannot be run, is a result. Errors: `cancelled`. */
export async function runApplicationCheck(
  check: ApplicationCheckFile,
  surroundings: CheckSurroundings,
  signal?: AbortSignal,
): Promise<ApplicationResult> {
  const setting: Setting = typeof check === 'string' ? { http: check } : check;
  const withinMs = setting.within ? (parseTimeSpan(setting.within) as number) : withinDefaultMs;
  const late = AbortSignal.timeout(withinMs);
  const both = signal ? AbortSignal.any([signal, late]) : late;
  const begunMs = performance.now();
  const result = (verdict: ApplicationResult['verdict'], fact: string): ApplicationResult => ({
    check: nameOfCheck(check),
    verdict,
    fact,
    durationMs: Math.round(performance.now() - begunMs),
  });
  try {
    const found = await orLate(examine(setting, surroundings, { signal: both, withinMs }), both);
    return result(found.holds ? 'passed' : 'failed', found.fact);
  } catch (error) {
    throwIfAborted(signal);
    if (late.aborted) return result('failed', `no answer within ${formatDuration(withinMs)}`);
    if (isLifeboatError(error, 'secret.unavailable')) return result('not-checked', error.message);
    return result('failed', factOf(error));
  }
}

function examine(
  setting: Setting,
  surroundings: CheckSurroundings,
  limits: { readonly signal: AbortSignal; readonly withinMs: number },
): Promise<Finding> {
  const { signal } = limits;
  if ('http' in setting) return checkHttp(setting, surroundings, signal);
  if ('command' in setting) return checkCommand(setting, surroundings, limits);
  if ('sql' in setting) return checkSql(setting, surroundings, signal);
  return checkRedis(setting, surroundings, signal);
}

function factOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ECONNREFUSED: 'nobody listens there',
    ECONNRESET: 'the connection was cut',
    ENOTFOUND: 'there is no host of this name',
    EHOSTUNREACH: 'the host cannot be reached',
  };
  return known[code ?? ''] ?? message;
}
