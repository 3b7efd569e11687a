import { holdsFiles } from '../../../config/index.ts';
import { LifeboatError } from '../../../core/index.ts';
import { checkLive } from '../../integrity/check-live.ts';
import { type RestoredValidation, validateRestored } from '../../prove/validate-restored.ts';
import type { CheckResult } from '../../validate/check.ts';
import { withRestored } from '../restored-server.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind, StepOutcome } from '../step-kind.ts';
import { checksOfSource, postgresSource, settingOf } from '../step-source.ts';
import { validateDelivered } from '../validate-delivered.ts';

type Input = StepInputs['validate'];

/** Nobody uses the server meanwhile that could be disturbed. */
const hurriedBytesPerSecond = 1024 ** 3;

/** The gate: data that does not hold goes no further. Only looks. */
export const validateStep: StepKind<Input> = {
  name: 'validate',

  async probe() {
    return { found: 'not-done' };
  },

  async run(input, context) {
    const { kind } = settingOf(input.source, context);
    if (holdsFiles(kind)) return filesAsRestored(input, context);
    if (kind === 'postgres-dump') return await validateDelivered(input, context);
    return input.of === 'live'
      ? await validateLive(input, context)
      : await validateCopy(input, context);
  },
};

async function validateLive(input: Input, context: StepContext): Promise<StepOutcome> {
  const { surroundings, signal, progress } = context;
  const source = await postgresSource(input.source, 'protect', context);
  const report = await checkLive({
    source,
    repository: await surroundings.repositoryOf(input.source),
    userChecks: checksOfSource(source, context),
    bytesPerSecond: hurriedBytesPerSecond,
    signal,
    progress,
  });
  return judged(input, report);
}

async function validateCopy(input: Input, context: StepContext): Promise<StepOutcome> {
  const { surroundings, signal, progress } = context;
  const source = await postgresSource(input.source, 'protect', context);
  const repository = await surroundings.repositoryOf(input.source);
  const userChecks = checksOfSource(source, context);
  const { level } = input;
  let result: RestoredValidation | undefined;
  await withRestored(input, context, async (restored) => {
    const about = { source, repository, level, userChecks, signal, progress };
    result = await validateRestored(restored, about);
  });
  if (result?.error?.code === 'cancelled') throw result.error;
  if (!result || result.verdict === 'not-checked') {
    const why = result?.error?.message ?? 'no superuser may log in';
    throw new LifeboatError(
      'run.failed',
      `the restored ${input.source} could not be checked: ${why}`,
      {
        hint: 'Put that right and go on, or leave the check out with a reason, knowing that nobody has looked.',
      },
    );
  }
  return judged(input, result);
}

/** Every byte of restored files was compared with its hash as it was written; there is nothing more to look at. */
function filesAsRestored({ source, of }: Input, { outcomes }: StepContext): StepOutcome {
  const evidence = of === 'live' ? {} : (outcomes[of]?.evidence ?? {});
  return {
    text: `${source}: its files were compared with their hashes as they were written`,
    result: {},
    evidence,
  };
}

function judged(
  { source, of }: Input,
  found: { readonly verdict: string; readonly checks: readonly CheckResult[] },
): StepOutcome {
  const { verdict, checks } = found;
  const failures = checks.flatMap(({ title, problems }) =>
    problems.slice(0, 3).map(({ object, problem }) => `${title}: ${object}: ${problem}`),
  );
  if (verdict !== 'passed') {
    throw new LifeboatError(
      'run.failed',
      `${source} does not hold: ${failures.slice(0, 3).join('; ') || verdict}`,
      {
        hint: `${of === 'live' ? '' : 'What runs now was not touched. '}Take another restore point with a new plan, or leave the check out with a reason.`,
        context: { failures },
      },
    );
  }
  const notChecked = checks.flatMap((each) => each.notChecked);
  return {
    text: `${source} holds: ${checks.length} checks passed${notChecked.length > 0 ? `, ${notChecked.length} things were not looked at` : ''}`,
    result: {},
    evidence: {
      checks: checks.map(({ check, verdict: each, looked, durationMs }) => ({
        check,
        verdict: each,
        looked,
        durationMs,
      })),
      notChecked,
    },
  };
}
