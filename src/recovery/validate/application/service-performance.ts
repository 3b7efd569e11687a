/** How fast services answered and what they used, at a moment when all was well. JSON. */
export interface ServicePerformance {
  /** Median duration of each check of a service that held, by service and name of the check. */
  readonly answersMs: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly resources: Readonly<Record<string, ResourceUse>>;
  /** Mean duration of the statements that take most of the time, by source and query id. */
  readonly statements: Readonly<Record<string, Readonly<Record<string, StatementMean>>>>;
  /** Forms of error lines that services write even when all is well, by service. */
  readonly errorForms: Readonly<Record<string, readonly string[]>>;
}

export interface ResourceUse {
  readonly processors?: number;
  readonly memoryBytes?: number;
}

export interface StatementMean {
  readonly meanMs: number;
  readonly calls: number;
  /** The statement without its constants; absent where it may hold a secret. */
  readonly text?: string;
}

export interface Slowdown {
  /** `api: GET http://localhost:8001/health`, `database: statement 42`. */
  readonly what: string;
  /** The statement without its constants; its comments may say more than a timeline should. */
  readonly statement?: string;
  readonly before: number;
  readonly now: number;
  readonly unit: 'ms' | 'bytes' | 'processors';
}

/** What is worth telling: more than so many times as much as before, and more than noise. */
export const slowerFactor = 2;
const noise = { ms: 50, bytes: 64 * 1024 * 1024, processors: 0.25 } as const;
const callsMin = 5;

/** What got slower or needs more, worst first. What was not measured both times is not told. */
export function comparePerformance(
  before: ServicePerformance,
  now: ServicePerformance,
): readonly Slowdown[] {
  return [...answers(before, now), ...uses(before, now), ...statements(before, now)].sort(
    (a, b) => b.now / b.before - a.now / a.before,
  );
}

function* answers(before: ServicePerformance, now: ServicePerformance): Iterable<Slowdown> {
  for (const [service, checks] of Object.entries(now.answersMs)) {
    for (const [check, nowMs] of Object.entries(checks)) {
      yield* worse(`${service}: ${check}`, 'ms', before.answersMs[service]?.[check], nowMs);
    }
  }
}

function* uses(before: ServicePerformance, now: ServicePerformance): Iterable<Slowdown> {
  for (const [service, { processors, memoryBytes }] of Object.entries(now.resources)) {
    const former = before.resources[service];
    yield* worse(`${service}: memory`, 'bytes', former?.memoryBytes, memoryBytes);
    yield* worse(`${service}: processors`, 'processors', former?.processors, processors);
  }
}

function* statements(before: ServicePerformance, now: ServicePerformance): Iterable<Slowdown> {
  for (const [source, means] of Object.entries(now.statements)) {
    for (const [id, { meanMs, calls, text }] of Object.entries(means)) {
      if (calls < callsMin) continue;
      const former = before.statements[source]?.[id]?.meanMs;
      for (const each of worse(`${source}: statement ${id}`, 'ms', former, meanMs)) {
        yield { ...each, ...(text === undefined ? {} : { statement: text }) };
      }
    }
  }
}

function* worse(
  what: string,
  unit: Slowdown['unit'],
  before: number | undefined,
  now: number | undefined,
): Iterable<Slowdown> {
  if (before === undefined || now === undefined) return;
  if (now > before * slowerFactor && now - before > noise[unit]) yield { what, before, now, unit };
}
