import type { ApplicationCheckFile, ServiceSetting } from '../../../config/index.ts';
import { formatDuration, throwIfAborted } from '../../../core/index.ts';
import type { Platform } from '../../../platforms/index.ts';
import type { ConnectionSettings } from '../../../sources/index.ts';
import type { CheckSurroundings } from './check-surroundings.ts';
import { measureStatements } from './measure-statements.ts';
import { orLate } from './or-late.ts';
import { nameOfCheck, runApplicationCheck } from './run-application-check.ts';
import { searchOutput } from './search-output.ts';
import type { ResourceUse, ServicePerformance, StatementMean } from './service-performance.ts';

const rounds = 3;
const outputLines = 1000;

export interface MeasureServices {
  readonly services: readonly ServiceSetting[];
  readonly platformOf: (service: ServiceSetting) => Platform;
  /** Servers that the services use, by name of the source. */
  readonly servers: Readonly<Record<string, ConnectionSettings>>;
  readonly surroundings: CheckSurroundings;
  /** All of it ends then; what was not measured yet is missing. */
  readonly limitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What could not be measured, and why. */
  readonly onMissing: (what: string, why: string) => void;
}

/**
 * How fast services answer, what they use, and which errors they write even now. Asks only what changes nothing: addresses by GET or HEAD,
 * and SQL. What cannot be measured, or not in time, is left out. Errors: `cancelled`.
 */
export async function measureServices(measure: MeasureServices): Promise<ServicePerformance> {
  const { limitMs, onMissing } = measure;
  const late = AbortSignal.timeout(limitMs);
  const signal = measure.signal ? AbortSignal.any([measure.signal, late]) : late;
  const answersMs: Record<string, Record<string, number>> = {};
  const resources: Record<string, ResourceUse> = {};
  const errorForms: Record<string, readonly string[]> = {};
  const statements: Record<string, Readonly<Record<string, StatementMean>>> = {};
  const orMissing = async <Found>(
    what: string,
    work: () => Promise<Found>,
    take: (found: Found) => void,
  ) => {
    try {
      // What comes in after the end is not taken any more.
      take(await orLate(work(), signal));
    } catch (error) {
      throwIfAborted(measure.signal);
      if (late.aborted) return onMissing(what, `not measured within ${formatDuration(limitMs)}`);
      onMissing(what, error instanceof Error ? error.message : String(error));
    }
  };
  const ofService = (service: ServiceSetting) => {
    const { name, health, checks = [], errors } = service;
    const platform = measure.platformOf(service);
    const request = { signal, timeoutMs: limitMs };
    const asked = [...(health === undefined ? [] : [health]), ...checks].filter(changesNothing);
    const answers: Record<string, number> = {};
    answersMs[name] = answers;
    const used = () => platform.resources(service, request);
    const written = () => platform.output(service, { lines: outputLines }, request);
    return [
      orMissing(`resources of ${name}`, used, (found) => {
        if (found) resources[name] = found;
      }),
      orMissing(`output of ${name}`, written, (lines) => {
        errorForms[name] = searchOutput(lines, errors).map(({ form }) => form);
      }),
      // One after the other: they would slow each other down.
      (async () => {
        for (const check of asked) {
          const called = nameOfCheck(check);
          const answer = () => measureAnswer(check, measure.surroundings, signal);
          await orMissing(`answers of ${name} to ${called}`, answer, (medianMs) => {
            if (medianMs !== undefined) answers[called] = medianMs;
          });
        }
      })(),
    ];
  };
  const ofServer = ([source, settings]: readonly [string, ConnectionSettings]) =>
    orMissing(
      `statements of ${source}`,
      () => measureStatements(settings, limitMs),
      (means) => {
        statements[source] = means;
      },
    );
  await Promise.all([
    ...measure.services.flatMap(ofService),
    ...Object.entries(measure.servers).map(ofServer),
  ]);
  return { answersMs, resources, statements, errorForms };
}

/** A query of a check runs in a transaction that can change nothing; commands and keys of Redis are not asked. */
function changesNothing(check: ApplicationCheckFile): boolean {
  if (typeof check === 'string' || 'sql' in check) return true;
  if (!('http' in check) || check.send !== undefined) return false;
  return check.method === undefined || check.method === 'GET' || check.method === 'HEAD';
}

/** Undefined where it does not hold: how fast something fails says nothing. Errors: `cancelled`. */
async function measureAnswer(
  check: ApplicationCheckFile,
  surroundings: CheckSurroundings,
  signal: AbortSignal,
): Promise<number | undefined> {
  const times: number[] = [];
  while (times.length < rounds) {
    const { verdict, durationMs } = await runApplicationCheck(check, surroundings, signal);
    if (verdict !== 'passed') return undefined;
    times.push(durationMs);
  }
  return times.sort((a, b) => a - b)[rounds >> 1];
}
