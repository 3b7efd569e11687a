import { type Environment, parseTimeSpan, type RecoveryFile } from '../../../config/index.ts';
import type { Approval, Step } from '../plan.ts';
import type { Asked, StepDraft } from './draft.ts';

const approvalWithinDefaultMs = 60 * 60_000;

/**
 * What is really asked. In production everything; on staging the first that is changed and whatever is typed out; in development the
 * first alone, without typing. A clearance is never left out, nor what only a person can do: the word that it was done is all there is.
 */
export function withApprovals(
  drafts: readonly StepDraft[],
  environment: Environment,
  recovery: RecoveryFile,
): readonly Step[] {
  const first = drafts.find(({ asked }) => asked !== undefined);
  return drafts.map((step) => {
    const { expected, ...rest } = step;
    const asked = step.asked ?? confirmation(step);
    const { asked: _, ...plain } = rest;
    const timed = expected === undefined ? plain : { ...plain, expectedMs: expected.ms };
    if (asked === undefined) return timed;
    const isNeverLeftOut = asked.authority === 'security-clearance' || step.kind === 'manual';
    const isAsked = {
      production: true,
      staging: step === first || asked.typed !== undefined,
      development: step === first || isNeverLeftOut,
    }[environment];
    if (!isAsked) return timed;
    const typed = environment === 'development' && !isNeverLeftOut ? undefined : asked.typed;
    const approval: Approval = {
      authority: asked.authority,
      ...(typed === undefined ? {} : { typed }),
      persons: recovery.twoPersons?.includes(asked.authority) && step.kind !== 'manual' ? 2 : 1,
      timeoutMs: parseTimeSpan(recovery.approvalWithin ?? '') ?? approvalWithinDefaultMs,
      question: asked.question,
    };
    return { ...timed, approval };
  });
}

function confirmation({ kind, title, input }: StepDraft): Asked | undefined {
  if (kind !== 'manual') return undefined;
  const { instruction = title, typed } = input;
  return {
    authority: 'execute',
    question: String(instruction),
    ...(typeof typed === 'string' ? { typed } : {}),
  };
}
