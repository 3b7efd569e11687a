import { type Environment, parseTimeSpan, type RecoveryFile } from '../../../config/index.ts';
import type { Approval, Step } from '../plan.ts';
import type { StepDraft } from './draft.ts';

const approvalWithinDefaultMs = 60 * 60_000;

/**
 * What is really asked. In production everything; on staging the first that is changed and whatever is typed out; in development the
 * first alone, without typing. A clearance is never left out.
 */
export function withApprovals(
  drafts: readonly StepDraft[],
  environment: Environment,
  recovery: RecoveryFile,
): readonly Step[] {
  const first = drafts.find(({ asked }) => asked !== undefined);
  return drafts.map((step) => {
    const { asked, expected, ...rest } = step;
    const timed = expected === undefined ? rest : { ...rest, expectedMs: expected.ms };
    if (asked === undefined) return timed;
    const isClearance = asked.authority === 'security-clearance';
    const isAsked = {
      production: true,
      staging: step === first || asked.typed !== undefined,
      development: step === first || isClearance,
    }[environment];
    if (!isAsked) return timed;
    const typed = environment === 'development' && !isClearance ? undefined : asked.typed;
    const approval: Approval = {
      authority: asked.authority,
      ...(typed === undefined ? {} : { typed }),
      persons: recovery.twoPersons?.includes(asked.authority) ? 2 : 1,
      timeoutMs: parseTimeSpan(recovery.approvalWithin ?? '') ?? approvalWithinDefaultMs,
      question: asked.question,
    };
    return { ...timed, approval };
  });
}
