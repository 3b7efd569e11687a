import { isLifeboatError } from '../../core/index.ts';
import { lossTypeNames, lossTypes } from '../../incidents/index.ts';
import { type DamageReport, foundOf, methods, momentUnknown } from '../../recovery/index.ts';
import type { Ask, CommandContext } from '../command.ts';
import { parseMoment } from '../moment.ts';
import { shortTime } from '../output/plan-text.ts';
import { prose } from '../output/prose.ts';
import type { LeadOptions } from './lead-recovery.ts';
import type { MadePlan } from './make-plan.ts';
import { problemsIn } from './require-usable.ts';

/** To carry the plan out, to look at the damage again, to end here, or to look for another one with what was said. */
export type Agreement = 'carry-out' | 'again' | 'stop' | Partial<LeadOptions>;

type Choice = { readonly value: string; readonly label: string };

/** Asks whoever sits at the terminal what to do with a plan, or with there being none. */
export async function askMore(
  made: MadePlan,
  report: DamageReport,
  context: CommandContext,
): Promise<Agreement> {
  const ask = context.ask as Ask;
  const isUsable = made.plan !== undefined && problemsIn(made.findings).length === 0;
  const again = { value: 'again', label: 'look again: something was put right meanwhile' };
  const moment = { value: 'moment', label: 'say when it happened' };
  const isMomentMissing =
    made.plan === undefined && made.chosen.reasons.some((each) => each.includes(momentUnknown));
  const choices: Choice[] = [
    ...(isUsable
      ? [{ value: 'carry-out', label: 'carry it out; what changes something asks again' }]
      : isMomentMissing
        ? [moment, again]
        : [again]),
    ...otherWays(made),
    ...knownStates(report),
    ...(isMomentMissing ? [] : [moment]),
    { value: 'type', label: 'say what happened' },
    { value: 'stop', label: made.plan ? 'stop here; the plan is kept' : 'stop here' },
  ];
  const first = choices[0] as Choice;
  const answer = await ask.choose('What now?', choices, first.value);
  if (answer.startsWith(statePrefix)) {
    const snapshot = answer.slice(statePrefix.length);
    return { at: 'snapshot-end', snapshot, beforeXid: undefined, method: undefined };
  }
  switch (answer) {
    case 'carry-out':
    case 'again':
    case 'stop':
      return answer;
    case 'moment':
      return { at: await askMoment(ask, context), beforeXid: undefined, method: undefined };
    case 'type': {
      const kinds = lossTypeNames.map((value) => ({
        value,
        label: `${value}: ${lossTypes[value]}`,
      }));
      const type = await ask.choose('What happened?', kinds, 'accidental-deletion');
      return { type, method: undefined };
    }
    default:
      return { method: answer };
  }
}

function otherWays({ plan }: MadePlan): readonly Choice[] {
  return (plan?.alternatives ?? [])
    .filter(({ fits, method }) => fits && method !== plan?.method)
    .map(({ method, predicted }) => {
      const time = predicted === undefined ? 'never measured' : shortTime(predicted);
      const loss = predicted === undefined ? '' : `; gives up: ${predicted.loss}`;
      return { value: method, label: prose(`rather ${methods[method].title} (${time}${loss})`) };
    });
}

const statePrefix = 'state ';
const statesOffered = 3;

/** Ends of backups: there is one even where no log was streamed. */
function knownStates({ sources }: DamageReport): readonly Choice[] {
  return sources
    .flatMap((source) => (source.kind === 'postgres' ? (foundOf(source.points)?.points ?? []) : []))
    .filter(({ target, snapshot }) => target?.kind === 'snapshot-end' && snapshot !== undefined)
    .slice(0, statesOffered)
    .map(({ snapshot, time, proof, loss }) => ({
      value: `${statePrefix}${snapshot}`,
      label: prose(
        `back to the backup of ${time}${proof === undefined ? '' : ', which was proven'} (gives up: ${loss.text})`,
      ),
    }));
}

/** A moment that can be read; asked until it is one. */
async function askMoment(ask: Ask, { output }: CommandContext): Promise<string> {
  for (;;) {
    const typed = (
      await ask.text(
        'The last moment when all was well (14:29, 14:29 UTC, "2026-11-21 14:29 UTC", "20 minutes ago")',
      )
    ).trim();
    try {
      parseMoment(typed, new Date());
      return typed;
    } catch (error) {
      if (!isLifeboatError(error, 'usage.invalid')) throw error;
      output.warn(error.message, error.hint);
    }
  }
}
