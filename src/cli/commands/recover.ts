import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { ExitCode, fileError, LifeboatError, steadyNow } from '../../core/index.ts';
import {
  approvalWanted,
  clockOf,
  isEnded,
  keptFormers,
  loadPlan,
  mayAllow,
  type NoteBody,
  type Plan,
  parsePlan,
  personOf,
  type RunState,
  requireNotCarriedOut,
  requireStep,
} from '../../recovery/index.ts';
import { type CommandContext, type CommandInput, defineCommand } from '../command.ts';
import { incidentWishOptions } from '../incident/known-incident.ts';
import { describeRun } from '../output/run-text.ts';
import { wishOptions } from '../plan-wish.ts';
import { enterIncident } from '../recover/enter-incident.ts';
import { finishIncident } from '../recover/finish-incident.ts';
import { haveConfiguration } from '../recover/have-configuration.ts';
import { leadRecovery } from '../recover/lead-recovery.ts';
import { type OpenedRuns, openRuns } from '../recover/open-runs.ts';
import { recheckPlan } from '../recover/recheck-plan.ts';
import { tellStanding } from '../recover/tell-standing.ts';

const options = {
  ...wishOptions,
  ...incidentWishOptions,
  title: {
    flags: '--title <text>',
    description: 'what happened: in scripts that opens a new incident, unless --incident names one',
  },
  incident: {
    flags: '--incident <id>',
    description:
      'of which incident, with its sources alone; default: the open one of the last 12 hours (a terminal asks), else a new one',
  },
  quick: { flags: '--quick', description: 'look at the damage with smaller limits' },
  resume: {
    flags: '--resume <incident>',
    description: 'go on with the run of an incident, or with a run, exactly where it stands',
  },
  abort: {
    flags: '--abort <run>',
    description: 'give a run up: what was done is undone, the last first',
  },
  skip: { flags: '--skip <step>', description: 'leave a step out, with --reason, and go on' },
  pause: { flags: '--pause', description: 'ask a run that is under way to stop behind its step' },
  approve: { flags: '--approve <run>', description: 'allow a step of a run that waits for you' },
  decline: { flags: '--decline <run>', description: 'say no to a step, with --reason' },
  status: { flags: '--status', description: 'where the runs stand' },
  reason: { flags: '--reason <text>', description: 'why, for the record' },
  yes: {
    flags: '--yes <name>',
    description: 'what would be typed, or the id of a step: allows it; may be repeated',
    repeatable: true,
  },
  repository: {
    flags: '-r, --repository <place>',
    description:
      'on a host without lifeboat.yaml: the repository that it is fetched from, as `init --from-repository` does',
  },
  letGo: {
    flags: '--let-go',
    description: 'with --resume: let go now of what was replaced; there is no way back then',
  },
  takeOver: {
    flags: '--take-over <host>',
    description: 'with --resume: that host is gone for good',
  },
} as const;

type Values = CommandInput<typeof options>['options'];

export const recover = defineCommand({
  description: `Something is wrong: this leads from there to services that run on checked data. It opens an incident
(or goes on with one that is open: a terminal asks; in a script --title opens a new one, and so does an open one
that is older than twelve hours, which is named), looks at the damage of
every source, unless one or --incident is named, shows the plan and what it costs, and carries it
out when you agree. Nothing is changed before that. Where the sources of the incident are well and others are
damaged, the plan is for the others, without what was said of the own ones; they enter the incident, which is
resolved only when all that it is about was recovered or is well. What you know already can be said by options; at a
terminal the rest is asked. A recovery that has begun is gone on with.
With the id or file of a plan that one is carried out, after everything was looked at again.
Each step is written down before it begins, here and in every repository that can be reached, and how it
ended; so a run that was killed goes on where it was, and another host goes on when the first is gone. A step
that changes or removes something is tried once: after a crash it is looked at what became of it, and where
that does not tell, you are asked. What a step needs to be allowed is asked: the name of its target is typed out, by as many people as
lifeboat.yaml says; others allow it from their own login with --approve. Ctrl-C pauses; a run that failed says
what holds, and goes on with --resume, without a step with --skip, or back with --abort.
Exit code 3: it is paused, or some of it could not be done; 11: somebody else works on the same target.`,
  examples: [
    'recover',
    'recover database --type accidental-deletion',
    'recover database --at "2026-11-21 14:29 UTC" --type failed-migration',
    'recover 4f2a91c0d3e85b17',
    'recover --status',
    'recover --resume INC-20261126-7',
    'recover --approve 9f3c11d0a2b4 swap-database --yes database',
    'recover --resume INC-20261126-7 --skip test-services --reason "tested by hand"',
    'recover --abort 9f3c11d0a2b4 --reason "the data was found"',
    'recover --resume INC-20261126-7 --take-over db-1',
    'recover --resume INC-20261126-7 --repository s3:https://s3.example.com/bucket/shop',
  ],
  arguments: [
    {
      name: '[name]',
      description:
        'a source, or nothing: all of them; id or file of a plan; the step, with --approve and --decline; the run, with --pause and --status',
    },
  ],
  options,
  async run({ arguments: [name], options: values }, context) {
    requireOneWish(values);
    await haveConfiguration(values, context);
    await using opened = await openRuns(context, values.yes ?? []);
    if (values.status) return await showStatus(opened, name, context);
    if (values.pause) return await say(opened, name, pauseNote(values), context);
    if (values.approve !== undefined) return await sayOfStep(opened, name, values, context);
    if (values.decline !== undefined) return await sayOfStep(opened, name, values, context);
    if (values.abort !== undefined) return await abort(opened, values, context);
    await opened.keepConfiguration();
    const { resume, skip } = values;
    if (resume !== undefined || skip !== undefined) {
      const { takeOver } = values;
      const state = await opened.runs.resume(resume, {
        ...(takeOver === undefined ? {} : { takeOver }),
        ...(values.letGo ? { letGo: true } : {}),
        ...(skip === undefined ? {} : { skip: { step: skip, reason: reasonOf(values, '--skip') } }),
      });
      return await finished(state, opened, context);
    }
    const { sources } = opened.surroundings.configuration;
    if (name === undefined || Object.hasOwn(sources, name)) {
      const state = await leadRecovery(opened, name, values, context);
      return state === undefined ? ExitCode.ok : await finished(state, opened, context);
    }
    const plan = await planNamed(opened, name, context);
    requireNotCarriedOut(plan, await opened.runs.list());
    await recheckPlan(plan, opened, context);
    await enterIncident(plan, undefined, opened.desk, context);
    const state = await opened.runs.start(plan, await opened.clockOf(plan));
    return await finished(state, opened, context);
  },
});

function requireOneWish({ resume, abort, pause, approve, decline, status }: Values): void {
  const wishes = [resume, abort, pause, approve, decline, status].filter((each) => each);
  if (wishes.length <= 1) return;
  throw new LifeboatError(
    'usage.invalid',
    'only one of --resume, --abort, --pause, --approve, --decline, --status at a time',
    {
      hint: 'See `lifeboat recover --help`.',
    },
  );
}

async function planNamed(
  { surroundings }: OpenedRuns,
  name: string,
  { folder }: CommandContext,
): Promise<Plan> {
  if (!/[./]/.test(name)) return await loadPlan(name, surroundings);
  const file = resolve(folder, name);
  const text = await readFile(file, 'utf8').catch((error) => {
    throw fileError(error, `could not read the plan ${file}`);
  });
  return parsePlan(text, idIn(text) ?? basename(file, '.json'));
}

/** The plan says its own id; whether that is the one of its content is looked at then. */
function idIn(text: string): string | undefined {
  return /"id":\s*"([0-9a-f]{16})"/.exec(text)?.[1];
}

async function finished(
  state: RunState,
  opened: OpenedRuns,
  context: CommandContext,
): Promise<number> {
  const isDown = await tellStanding(state, opened, context);
  await finishIncident(state, opened, context, { isDown });
  return isDown && state.phase !== 'aborted' ? ExitCode.partlyDone : ended(state);
}

/** Something was done, but not all of it. */
function ended({ phase, plan, steps }: RunState): number {
  const isPartial = plan.steps.some(({ id }) => {
    const { phase: own, outcome } = steps[id] ?? {};
    return own === 'skipped' || outcome?.evidence.isPartial === true;
  });
  return phase === 'done' && isPartial ? ExitCode.partlyDone : ExitCode.ok;
}

function reasonOf({ reason }: Values, of: string): string {
  if (reason !== undefined) return reason;
  throw new LifeboatError('usage.invalid', `${of} needs a reason`, {
    hint: 'Say why with --reason TEXT: it stands in the record.',
  });
}

function pauseNote({ reason }: Values): NoteBody {
  return { type: 'pause', reason: reason ?? 'no reason given' };
}

async function abort(opened: OpenedRuns, values: Values, context: CommandContext): Promise<number> {
  const reason = reasonOf(values, '--abort');
  const state = await opened.runs.find(values.abort);
  const { skip } = values;
  try {
    const after = await opened.runs.resume(state.run, {
      abort: { reason },
      ...(skip === undefined ? {} : { skip: { step: skip, reason } }),
      ...(values.takeOver === undefined ? {} : { takeOver: values.takeOver }),
    });
    await tellStanding(after, opened, context);
    return ended(after);
  } catch (error) {
    // Whoever drives it gives it up, at the end of its step.
    if (!(error instanceof LifeboatError) || error.code !== 'run.busy') throw error;
    if (error.context.run !== state.run) throw error;
    context.output.warn(error.message);
    return await say(opened, state.run, { type: 'abort', reason }, context);
  }
}

async function sayOfStep(
  opened: OpenedRuns,
  step: string | undefined,
  values: Values,
  context: CommandContext,
): Promise<number> {
  const { approve, decline, yes } = values;
  const state = await opened.runs.find(approve ?? decline);
  if (step === undefined) {
    throw new LifeboatError('usage.invalid', 'which step is meant?', {
      hint: `Name it behind the run: lifeboat recover ${approve ? '--approve' : '--decline'} ${state.run} STEP.`,
    });
  }
  requireStep(state, step);
  if (decline !== undefined) {
    const comment = reasonOf(values, '--decline');
    return await say(opened, state.run, { type: 'decline', step, comment }, context);
  }
  const typed = await typedFor(state, step, yes, context);
  const body = { type: 'approve' as const, step, ...(typed === undefined ? {} : { typed }) };
  return await say(opened, state.run, body, context);
}

/** Refused at once where it could not count; the run looks again. */
async function typedFor(
  state: RunState,
  id: string,
  yes: readonly string[] | undefined,
  { ask, output }: CommandContext,
): Promise<string | undefined> {
  const step = state.plan.steps.find((each) => each.id === id);
  const approval = step && approvalWanted(state, step);
  if (!step || !approval) {
    throw new LifeboatError('usage.invalid', `the step ${id} needs no approval`, {
      hint: 'See `lifeboat recover --status`.',
    });
  }
  const { typed, question } = approval;
  if (typed === undefined) return undefined;
  if (yes?.includes(typed)) return typed;
  output.say(({ bold }) => `${bold(question)}\n  ${step.title}: ${step.target}`);
  const given = yes?.[0] ?? (await ask?.text(`To allow it, type ${typed}`))?.trim();
  if (given === typed) return typed;
  throw new LifeboatError(
    'confirmation.missing',
    `${JSON.stringify(given ?? '')} was given, not ${typed}`,
    {
      hint: `Nothing was allowed. Type the name when asked, or give --yes ${typed} in a script.`,
    },
  );
}

async function say(
  { runs, surroundings }: OpenedRuns,
  run: string | undefined,
  body: NoteBody,
  { output }: CommandContext,
): Promise<number> {
  const state = await runs.find(run);
  if (isEnded(state)) {
    throw new LifeboatError('usage.invalid', `run ${state.run} has ended: it is ${state.phase}`);
  }
  const { actor, host, configuration } = surroundings;
  const person = personOf(configuration.recovery, actor, host);
  const step = 'step' in body ? state.plan.steps.find(({ id }) => id === body.step) : undefined;
  const needs = (step && approvalWanted(state, step)) ?? ({ authority: 'execute' } as const);
  if (!mayAllow(person, needs)) {
    throw new LifeboatError(
      'approval.refused',
      `${person.name} has not the authority "${needs.authority}"`,
      {
        hint: 'Nothing was said to the run. `recovery.people` of lifeboat.yaml says who may.',
      },
    );
  }
  await runs.say(state.run, body);
  output.report(
    { type: 'run-told', run: state.run, note: body },
    ({ green }) =>
      `${green('✓')} ${body.type} was told to run ${state.run}; ${whenHeard(state, body)}`,
  );
  return ExitCode.ok;
}

/** Whoever asked must not wonder why nothing happens. */
function whenHeard({ plan, steps, run }: RunState, { type }: NoteBody): string {
  const step = plan.steps.find(({ id }) => steps[id]?.phase === 'begun');
  if (step === undefined || (type !== 'abort' && type !== 'pause')) {
    return 'it counts as soon as the run looks';
  }
  const follow = `follow it with \`lifeboat recover --status ${run}\``;
  return step.kind === 'watch'
    ? `it watches, and ends that for it within seconds: ${follow}`
    : `it counts once "${step.title}" has ended, which is not cut: ${follow}`;
}

async function showStatus(
  { runs }: OpenedRuns,
  name: string | undefined,
  { output }: CommandContext,
): Promise<number> {
  const all = name === undefined ? await runs.list() : [await runs.find(name)];
  const open = all.filter((state) => !isEnded(state));
  const shown =
    name !== undefined || open.length > 0 ? (name === undefined ? open : all) : all.slice(0, 1);
  for (const state of shown) {
    output.report(
      { type: 'run', ...state, formers: keptFormers(state), clock: clockOf(state, steadyNow()) },
      (style) => `${describeRun(state, style)}\n`,
    );
  }
  if (shown.length === 0) output.say(() => 'There is no run.');
  return ExitCode.ok;
}
