import type { ServiceSetting } from '../../../config/index.ts';
import { formatDuration, isLifeboatError, LifeboatError, sleep } from '../../../core/index.ts';
import { affectedServices } from '../../freeze/affected-services.ts';
import { compareWithUsual, describeSlowdown } from '../../service-baseline/compare-with-usual.ts';
import type { ApplicationResult } from '../../validate/application/application-result.ts';
import { runApplicationCheck } from '../../validate/application/run-application-check.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind } from '../step-kind.ts';
import { checksOf, platformOf, serviceNamed } from '../step-services.ts';

type Input = StepInputs['watch'];

const pauseMs = 5_000;
/** One bad answer after a restart is no failure of the recovery; so many in a row are. */
const badInARowMax = 3;
/** How long it may take to measure how fast they are. */
const measureMs = 15_000;
const slowdownsKept = 20;

/**
 * Looks at services again and again for a while: that they run and that all of their checks hold. One that did not run before the freeze
 * is not looked at. Changes nothing.
 */
export const watch: StepKind<Input> = {
  name: 'watch',

  async probe() {
    return { found: 'not-done' };
  },

  async run({ services, sources, durationMs }, context) {
    const endMs = performance.now() + durationMs;
    const idle = idleBefore(context);
    const names = services.filter((name) => !idle.includes(name));
    const watched = names.map((name) => serviceNamed(context.surroundings, name));
    const badInARow = new Map<string, number>();
    let rounds = 0;
    for (;;) {
      for (const service of watched) {
        const wrong = await lookAt(service, context);
        const times = wrong === undefined ? 0 : (badInARow.get(service.name) ?? 0) + 1;
        badInARow.set(service.name, times);
        if (wrong === undefined) continue;
        context.progress({ type: 'warning', message: `${service.name}: ${wrong}` });
        if (times >= badInARowMax) throw notWell(service, wrong);
      }
      rounds += 1;
      const leftMs = watched.length === 0 ? 0 : endMs - performance.now();
      if (leftMs <= 0 && [...badInARow.values()].every((times) => times === 0)) break;
      context.progress({
        type: 'note',
        message: `watching ${names.join(', ')}: ${formatDuration(Math.max(0, leftMs))} left`,
      });
      await sleep(Math.max(0, Math.min(pauseMs, leftMs)) || pauseMs, context.signal);
    }
    const { text, evidence } = await compare(watched, sources, context);
    const unwatched = await lookAtOthers({ services, sources, names }, context);
    const others = unwatched.map((each) => `; not watched: ${each}`).join('');
    return {
      text:
        watched.length > 0
          ? `watched ${names.join(', ')} for ${formatDuration(durationMs)}: all is well${text}${others}`
          : unwatched.length > 0
            ? `nothing was watched: ${unwatched.join('; ')}${text}`
            : `nothing was watched: no service that writes to ${sources.join(', ')} is configured${text}`,
      result: {},
      evidence: {
        rounds,
        durationMs,
        idle: services.filter((name) => idle.includes(name)),
        performance: evidence,
      },
    };
  },
};

/** What is slower than before is told, and fails nothing: caches are cold, and users come back all at once. */
async function compare(
  services: readonly ServiceSetting[],
  sources: readonly string[],
  { surroundings, signal, progress, tell }: StepContext,
): Promise<{ readonly text: string; readonly evidence: Readonly<Record<string, unknown>> }> {
  const { backups, slower, missing } = await compareWithUsual({
    services,
    platformOf: (service) => platformOf(surroundings, service),
    sources,
    source: (name) => surroundings.source(name, 'look'),
    repositoryOf: (name) => surroundings.repositoryOf(name),
    checks: checksOf(surroundings),
    limitMs: measureMs,
    signal,
  });
  // Of statements the id alone: others read the timeline.
  const told = slower.map(({ statement: _, ...each }) => ({
    ...each,
    text: describeSlowdown(each),
  }));
  for (const { text } of told) {
    progress({ type: 'warning', message: `slower than before: ${text}` });
  }
  const evidence = { comparedWithBackups: backups, slower: told.slice(0, slowdownsKept), missing };
  const [worst, ...others] = told;
  if (worst === undefined) return { text: '', evidence };
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  const text = `slower than before the loss: ${worst.text}${more}`;
  await tell({ event: 'recovery.slower', text, data: { slower: evidence.slower } });
  return { text: `; ${text}`, evidence };
}

/** What is configured for the sources and was not to be looked at, for people: each did not run before, or is kept from it. */
async function lookAtOthers(
  { services, sources, names }: Pick<Input, 'services' | 'sources'> & { names: readonly string[] },
  { surroundings, signal }: StepContext,
): Promise<readonly string[]> {
  const { configuration } = surroundings;
  const servers = sources.flatMap((each) => {
    const source = configuration.sources[each];
    return source?.kind === 'postgres' && source.service !== undefined ? [source.service] : [];
  });
  const affected = affectedServices(configuration, sources).map(({ service }) => service.name);
  const all = new Set([...servers, ...affected, ...services]);
  const told: string[] = [];
  for (const name of all) {
    if (names.includes(name)) continue;
    const service = serviceNamed(surroundings, name);
    try {
      const { status, text } = await platformOf(surroundings, service).inspect(service, { signal });
      // That one has nothing to say for itself: its databases are looked at.
      if (status === 'running' && servers.includes(name)) continue;
      told.push(
        status === 'running'
          ? `${name} runs now (${text}), and did not before the recovery`
          : `${name} does not run (${text}), ${servers.includes(name) ? 'and is the configured server of the data' : 'and did not before the recovery, or is kept stopped by it'}`,
      );
    } catch (error) {
      if (signal.aborted || !isLifeboatError(error)) throw error;
      told.push(`what ${name} is could not be seen (${error.message})`);
    }
  }
  return told;
}

/** What freezes of this run found not running. */
function idleBefore({ outcomes }: StepContext): readonly unknown[] {
  return Object.values(outcomes).flatMap(({ result: { idle } }) =>
    Array.isArray(idle) ? idle : [],
  );
}

/** What is wrong with it; undefined: nothing. */
async function lookAt(
  service: ServiceSetting,
  { surroundings, signal }: StepContext,
): Promise<string | undefined> {
  const { status, text } = await platformOf(surroundings, service).inspect(service, { signal });
  if (status !== 'running') return `${status}: ${text}`;
  const { health, checks = [] } = service;
  for (const check of [...(health === undefined ? [] : [health]), ...checks]) {
    const result = await runApplicationCheck(check, checksOf(surroundings), signal);
    if (result.verdict === 'failed') return describe(result);
  }
  return undefined;
}

function describe({ check, fact }: ApplicationResult): string {
  return `${check}: ${fact}`;
}

function notWell({ name }: ServiceSetting, wrong: string): LifeboatError {
  return new LifeboatError('run.failed', `${name} is not well after the recovery: ${wrong}`, {
    hint: 'What was replaced is still kept. Look into its output, then go on, or abort to go back to before.',
  });
}
