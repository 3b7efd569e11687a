import type { PlanFacts, SourceFacts } from './facts.ts';
import { findSituations } from './find-situations.ts';
import { answers, methods } from './matrix.ts';
import { momentOf, type PlanMoment } from './moment.ts';
import type { Method } from './plan.ts';
import { unmet } from './preconditions.ts';
import { type SeenSituation, situations } from './situation.ts';

/** What is done with one source. */
export interface SourceChoice {
  readonly source: string;
  readonly method: Method;
  readonly situation?: SeenSituation;
  readonly moment?: PlanMoment;
}

export interface ConsideredMethod {
  readonly method: Method;
  readonly fits: boolean;
  readonly reason: string;
  /** What it would do, where it fits. */
  readonly choices: readonly SourceChoice[];
}

/** The choice, with everything that speaks for it. `method` is absent when nothing fits: then `reasons` say what is missing. */
export interface ChosenMethod {
  readonly method?: Method;
  readonly reasons: readonly string[];
  /** One for each source that is concerned. */
  readonly choices: readonly SourceChoice[];
  /** Every other method. */
  readonly alternatives: readonly ConsideredMethod[];
}

interface SourceView {
  readonly source: SourceFacts;
  readonly seen: readonly SeenSituation[];
}

/** Picks the method by the decision matrix. Pure: the same facts give the same choice. */
export function chooseMethod(facts: PlanFacts): ChosenMethod {
  const views = facts.sources
    .map((source) => ({ source, seen: findSituations(source, facts) }))
    .filter(({ seen }) => seen.length > 0 || facts.wish.method !== undefined)
    .toSorted((a, b) => gravity(a) - gravity(b));
  const chosen = views.map((view) => chooseFor(view, facts));
  const choices = chosen.flatMap(({ choice }) => choice ?? []);
  const reasons = [
    ...chosen.flatMap((each) => each.reasons),
    ...(views.length === 0 ? [nothingSeen(facts)] : []),
    ...facts.unseen,
  ];
  const method = choices[0]?.method;
  return {
    ...(method === undefined ? {} : { method }),
    reasons,
    choices,
    alternatives: (Object.keys(methods) as Method[])
      .filter((each) => each !== method)
      .map((each) => consider(each, views, facts)),
  };
}

function gravity({ seen: [worst] }: SourceView): number {
  return worst === undefined ? situations.length : situations.indexOf(worst.situation);
}

function chooseFor(
  { source, seen }: SourceView,
  facts: PlanFacts,
): { readonly choice?: SourceChoice; readonly reasons: readonly string[] } {
  const { method: wished } = facts.wish;
  const told = seen.map(({ evidence }) => `${source.name}: ${evidence}`);
  if (wished !== undefined) {
    const against = [...forbidden(wished, seen), ...standsAgainst(wished, seen[0], source, facts)];
    if (against.length > 0) {
      return {
        reasons: [...told, `${wished} of ${source.name} cannot be done: ${against.join('; ')}`],
      };
    }
    return {
      choice: choiceOf(wished, seen[0], source, facts),
      reasons: [...told, `${wished} was asked for`],
    };
  }
  const refusals: string[] = [];
  for (const situation of seen) {
    for (const method of answers[situation.situation]) {
      const against = standsAgainst(method, situation, source, facts);
      if (against.length === 0) {
        const why = `${situation.situation.replaceAll('-', ' ')} is answered by ${method}: ${methods[method].title}`;
        return {
          choice: choiceOf(method, situation, source, facts),
          reasons: [...told, why, ...refusals],
        };
      }
      if (methods[method].kinds.includes(source.kind)) {
        refusals.push(`not ${method}: ${against.join('; ')}`);
      }
    }
    // A milder situation may not stand in for a grave one: an intrusion is not answered by putting rows back.
    if (isFinal(situation)) break;
  }
  if (refusals.length === 0) {
    refusals.push(
      `nothing answers that for a source of kind ${source.kind}: name a way with --method`,
    );
  }
  return { reasons: [...told, ...refusals] };
}

/** After an intrusion nothing else is offered: whatever stays where the intruder was belongs to the intruder. */
function forbidden(method: Method, seen: readonly SeenSituation[]): readonly string[] {
  if (method === 'clean-rebuild' || seen[0]?.situation !== 'intrusion') return [];
  return [`${seen[0].evidence}: what the intruder had is not used again`];
}

/** What must be answered itself, or not at all. */
function isFinal({ situation }: SeenSituation): boolean {
  return ['intrusion', 'host-lost', 'data-gone', 'corrupted', 'moment-named'].includes(situation);
}

function standsAgainst(
  method: Method,
  seen: SeenSituation | undefined,
  source: SourceFacts,
  facts: PlanFacts,
): readonly string[] {
  const { kinds, needs } = methods[method];
  if (!kinds.includes(source.kind)) return [`it is nothing for a source of kind ${source.kind}`];
  return unmet(needs, { method, situation: seen?.situation, source, facts });
}

function choiceOf(
  method: Method,
  seen: SeenSituation | undefined,
  source: SourceFacts,
  facts: PlanFacts,
): SourceChoice {
  const moment = momentOf(method, seen?.situation, source, facts);
  return {
    source: source.name,
    method,
    ...(seen === undefined ? {} : { situation: seen }),
    ...(moment === undefined || !isMomentary(method) ? {} : { moment }),
  };
}

function isMomentary(method: Method): boolean {
  return !['restart', 'redeploy', 'new-backup', 'rescue-rows'].includes(method);
}

function consider(
  method: Method,
  views: readonly SourceView[],
  facts: PlanFacts,
): ConsideredMethod {
  const against: string[] = [];
  const choices: SourceChoice[] = [];
  for (const { source, seen } of views) {
    const found = [...forbidden(method, seen), ...standsAgainst(method, seen[0], source, facts)];
    if (found.length === 0) choices.push(choiceOf(method, seen[0], source, facts));
    else if (methods[method].kinds.includes(source.kind)) against.push(...found);
  }
  const isCalledFor = views.some(({ seen }) =>
    seen.some(({ situation }) => answers[situation].includes(method)),
  );
  // What leaves the data alone brings nothing back, unless that is what the situation asks for.
  if (!isCalledFor && methods[method].changes === 'nothing') {
    against.push('nothing that was found calls for it');
  }
  const fits = choices.length > 0 && against.length === 0;
  const reason = fits
    ? `${methods[method].title}${isCalledFor ? '' : '; nothing that was found calls for it'}`
    : [...new Set(against)].join('; ') || 'nothing of the kind is concerned';
  return { method, fits, reason, choices: fits ? choices : [] };
}

function nothingSeen({ wish, sources }: PlanFacts): string {
  const names = sources.map(({ name }) => name).join(', ');
  const about = wish.target === undefined ? '' : ` at ${wish.target.text}`;
  const hints = sources.flatMap(({ name, server, ground, damage: { deletedFiles = 0 } }) => {
    if (server === 'refusing' && ground?.systemId !== undefined) {
      return [
        `; the server of ${name} lets us in no more, and its data is that of the cluster that was backed up: \`lifeboat doctor ${name}\` says what our role lacks`,
      ];
    }
    if (server === 'refusing') {
      return [
        `; the server of ${name} lets us in no more: if its data was made anew, say --type accidental-deletion`,
      ];
    }
    if (deletedFiles === 0) return [];
    return [
      `; ${deletedFiles} files of ${name} are not there any more: if nobody meant to delete them, say --type accidental-deletion`,
    ];
  });
  return `nothing was found that needs a recovery of ${names || 'anything'}${about}: name what happened with --type, the moment with --at, or the method with --method${hints.join('')}`;
}
