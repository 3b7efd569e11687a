import type { ServiceSetting } from '../../../config/index.ts';
import { isLifeboatError } from '../../../core/index.ts';
import type { Platform } from '../../../platforms/index.ts';
import type { ConnectionSettings } from '../../../sources/index.ts';
import type { CheckSurroundings } from './check-surroundings.ts';
import { measureStatements } from './measure-statements.ts';
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
  readonly signal?: AbortSignal;
  /** What could not be measured, and why. */
  readonly onMissing: (what: string, why: string) => void;
}

/** How fast services answer, what they use, and which errors they write even now. What cannot be measured is left out. Errors: `cancelled`. */
export async function measureServices(measure: MeasureServices): Promise<ServicePerformance> {
  const answersMs: Record<string, Record<string, number>> = {};
  const resources: Record<string, ResourceUse> = {};
  const errorForms: Record<string, readonly string[]> = {};
  for (const service of measure.services) {
    const { name } = service;
    answersMs[name] = await measureAnswers(service, measure);
    const platform = measure.platformOf(service);
    const request = measure.signal ? { signal: measure.signal } : {};
    await orMissing(`resources of ${name}`, measure, async () => {
      const used = await platform.resources(service, request);
      if (used) resources[name] = used;
    });
    await orMissing(`output of ${name}`, measure, async () => {
      const lines = await platform.output(service, { lines: outputLines }, request);
      errorForms[name] = searchOutput(lines, service.errors).map(({ form }) => form);
    });
  }
  const statements: Record<string, Readonly<Record<string, StatementMean>>> = {};
  for (const [source, settings] of Object.entries(measure.servers)) {
    await orMissing(`statements of ${source}`, measure, async () => {
      statements[source] = await measureStatements(settings);
    });
  }
  return { answersMs, resources, statements, errorForms };
}

/** Of those that hold: how fast something fails says nothing. */
async function measureAnswers(
  { health, checks = [] }: ServiceSetting,
  { surroundings, signal }: MeasureServices,
): Promise<Record<string, number>> {
  const medians: Record<string, number> = {};
  for (const check of [...(health === undefined ? [] : [health]), ...checks]) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const { verdict, durationMs } = await runApplicationCheck(check, surroundings, signal);
      if (verdict !== 'passed') break;
      times.push(durationMs);
    }
    if (times.length < rounds) continue;
    medians[nameOfCheck(check)] = times.sort((a, b) => a - b)[rounds >> 1] as number;
  }
  return medians;
}

async function orMissing(
  what: string,
  { onMissing }: MeasureServices,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isLifeboatError(error) || error.code === 'cancelled') throw error;
    onMissing(what, error.message);
  }
}
