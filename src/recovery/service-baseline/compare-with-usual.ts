import type { ServiceSetting } from '../../config/index.ts';
import { formatBytes, formatDuration, throwIfAborted } from '../../core/index.ts';
import type { Platform } from '../../platforms/index.ts';
import type { Repository } from '../../repository/index.ts';
import type { AnySource, ConnectionSettings } from '../../sources/index.ts';
import type { CheckSurroundings } from '../validate/application/check-surroundings.ts';
import { measureServices } from '../validate/application/measure-services.ts';
import { orLate } from '../validate/application/or-late.ts';
import {
  comparePerformance,
  type ServicePerformance,
  type Slowdown,
} from '../validate/application/service-performance.ts';
import { listServicePerformance } from './service-performance-record.ts';
import { usualPerformance } from './usual-performance.ts';

/** So many backups say what is usual. */
const backupsRead = 5;

export interface PerformanceComparison {
  /** How many backups had recorded what is usual; 0: there is nothing to compare with. */
  readonly backups: number;
  readonly now: ServicePerformance;
  /** Worst first. */
  readonly slower: readonly Slowdown[];
  /** What could not be looked at, and why. */
  readonly missing: readonly string[];
}

/** Measures services and servers now, and names what is slower than the last backups recorded. Errors: `cancelled`. */
export async function compareWithUsual(options: {
  readonly services: readonly ServiceSetting[];
  readonly platformOf: (service: ServiceSetting) => Platform;
  /** Whose backups tell what is usual. */
  readonly sources: readonly string[];
  readonly source: (name: string) => Promise<AnySource>;
  readonly repositoryOf: (source: string) => Promise<Pick<Repository, 'records'>>;
  readonly checks: CheckSurroundings;
  readonly limitMs: number;
  readonly signal?: AbortSignal | undefined;
}): Promise<PerformanceComparison> {
  const { services, platformOf, sources, checks, limitMs, signal } = options;
  const missing: string[] = [];
  const recorded: ServicePerformance[] = [];
  const servers: Record<string, ConnectionSettings> = {};
  let backups = 0;
  for (const name of sources) {
    const late = AbortSignal.timeout(limitMs);
    const either = signal ? AbortSignal.any([signal, late]) : late;
    const read = async () => listServicePerformance(await options.repositoryOf(name), name);
    try {
      const listed = await orLate(read(), either);
      const newest = listed.slice(0, backupsRead);
      recorded.push(...newest.map(({ performance }) => performance));
      backups += newest.length;
      const server = serverOf(await options.source(name));
      if (server !== undefined) servers[name] = server;
    } catch (error) {
      throwIfAborted(signal);
      const why = late.aborted ? 'its repository does not answer' : messageOf(error);
      missing.push(`what is usual of ${name}: ${why}`);
    }
  }
  const onMissing = (what: string, why: string) => void missing.push(`${what}: ${why}`);
  const measure = { services, platformOf, servers, surroundings: checks, limitMs, signal };
  const now = await measureServices({ ...measure, onMissing });
  return { backups, now, slower: comparePerformance(usualPerformance(recorded), now), missing };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The server of a source whose statements are measured. */
export function serverOf(source: AnySource): ConnectionSettings | undefined {
  return 'connection' in source.settings ? source.settings.connection : undefined;
}

/** `api: GET http://localhost:8001/health: 300 ms, usually 40 ms`. */
export function describeSlowdown({ what, before, now, unit }: Slowdown): string {
  const show = {
    ms: formatDuration,
    bytes: formatBytes,
    processors: (count: number) => `${count.toFixed(2)} processors`,
  }[unit];
  return `${what}: ${show(now)}, usually ${show(before)}`;
}
