import { createServer } from 'node:net';
import {
  type ApplicationCheckFile,
  parseTimeSpan,
  type ServiceSetting,
} from '../../../config/index.ts';
import { LifeboatError, type Progress, sleep } from '../../../core/index.ts';
import {
  harmlessLines,
  type ProgramCall,
  type ProgramEnd,
  runProgram,
} from '../../../platforms/index.ts';
import type { ApplicationResult } from './application-result.ts';
import type { CheckSurroundings } from './check-surroundings.ts';
import { placeVariables, type RestoredPlace } from './restored-place.ts';
import { runApplicationCheck } from './run-application-check.ts';
import { type ErrorLines, searchOutput } from './search-output.ts';
import { waitUntilHealthy } from './wait-until-healthy.ts';

const startWithinDefault = '5m';
const commandTimeoutMs = 10 * 60_000;
/** How long what was ended may hold its port. */
const endingMs = 2000;
const pauseMs = 100;

export interface TestedService {
  readonly service: string;
  readonly results: readonly ApplicationResult[];
  /** What it wrote that speaks of errors. */
  readonly errors: readonly ErrorLines[];
  readonly holds: boolean;
}

export interface TestService {
  readonly service: ServiceSetting & { readonly test: NonNullable<ServiceSetting['test']> };
  readonly place: RestoredPlace;
  readonly surroundings: CheckSurroundings;
  /** Forms of error lines that it writes even when all is well. */
  readonly knownErrors?: ReadonlySet<string>;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

/**
 * Starts a service in test mode on restored data, asks its checks, reads what it wrote, and ends it, whatever happens. That it does not
 * start, a check does not hold, or it cannot be ended is a result. Errors: `usage.invalid` when its port is taken; `platform.unavailable`
 * when a command cannot be run; `cancelled`.
 */
export async function testService(test: TestService): Promise<TestedService> {
  const { service, signal } = test;
  const { start, stop, output, port } = service.test;
  const environment = {
    ...test.surroundings.environment,
    ...placeVariables(test.place),
    ...portVariable(port),
  };
  const surroundings = { ...test.surroundings, environment };
  if (port !== undefined && !(await isFree(port))) {
    // A test that was killed may have left it running.
    await run(stop, { environment, signal });
    await requireFree(port, service.name, signal);
  }
  const results: ApplicationResult[] = [];
  let lines: readonly string[] = [];
  try {
    const started = await resultOf('start', start, { environment, signal, leavesPrograms: true });
    results.push(started);
    if (started.verdict === 'passed') results.push(...(await ask({ ...test, surroundings })));
    if (output)
      lines = harmlessLines((await run(output, { environment, signal, keep: 'newest' })).stdout);
  } finally {
    // Also after a cancellation: nobody else would end it.
    results.push(await resultOf('stop', stop, { environment }));
  }
  const errors = searchOutput(lines, service.errors, test.knownErrors);
  const holds = results.every(({ verdict }) => verdict === 'passed');
  return { service: service.name, results, errors, holds };
}

type Call = Pick<ProgramCall, 'environment' | 'signal' | 'leavesPrograms' | 'keep'>;

async function run(words: readonly string[], call: Call): Promise<ProgramEnd> {
  const [program, ...args] = words as [string, ...string[]];
  return await runProgram({
    program,
    args,
    purpose: `run ${program}`,
    timeoutMs: commandTimeoutMs,
    ...call,
  });
}

async function resultOf(
  check: string,
  words: readonly string[],
  call: Call,
): Promise<ApplicationResult> {
  const begunMs = performance.now();
  const { exitCode, stderr } = await run(words, call);
  const said = harmlessLines(stderr).at(-1) ?? '';
  return {
    check,
    verdict: exitCode === 0 ? 'passed' : 'failed',
    fact: `${words[0]} ended with ${exitCode}${exitCode !== 0 && said !== '' ? `: ${said}` : ''}`,
    durationMs: Math.round(performance.now() - begunMs),
  };
}

/** The first check is asked until it holds: a service takes its time to start. */
async function ask({
  service,
  surroundings,
  signal,
  progress,
}: TestService): Promise<readonly ApplicationResult[]> {
  const [first, ...others] = service.test.checks;
  const timeoutMs = parseTimeSpan(service.startWithin ?? startWithinDefault) as number;
  const results = [
    await waitUntilHealthy({
      check: first as ApplicationCheckFile,
      surroundings,
      timeoutMs,
      ...(signal ? { signal } : {}),
      onStill: ({ fact }) =>
        progress?.({ type: 'note', message: `${service.name} in test mode: ${fact}; waiting` }),
    }),
  ];
  for (const check of others) results.push(await runApplicationCheck(check, surroundings, signal));
  return results;
}

/** What listens there already would answer the checks in the place of the test; one that was just ended may take a moment. */
async function requireFree(
  port: number,
  service: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let lookLeft = endingMs / pauseMs; lookLeft > 0; lookLeft -= 1) {
    if (await isFree(port)) return;
    await sleep(pauseMs, signal);
  }
  throw new LifeboatError('usage.invalid', `the test port ${port} of ${service} is taken`, {
    hint: 'Something listens there already and would answer in the place of the test. End it, or give services.*.test.port another one.',
  });
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function portVariable(port: number | undefined): Record<string, string> {
  return port === undefined ? {} : { LIFEBOAT_TEST_PORT: String(port) };
}
