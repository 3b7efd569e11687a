import type { FreezeAdvice, Incident } from '../../incidents/index.ts';
import { printable } from './printable.ts';

/** What the configuration says of the sources of an incident. */
export interface NextAdvice {
  readonly freeze: FreezeAdvice | undefined;
  /** One of them has a log that tells what destroyed data; of files and dumps there is none. */
  readonly hasLog: boolean;
}

/** What to type next, the most urgent first. */
export function nextSteps(incident: Incident, { freeze, hasLog }: NextAdvice): readonly string[] {
  const { status, severity, lead, checklist, sources, id } = incident;
  const steps: string[] = [];
  const source = sources.length === 1 ? ` ${sources[0]}` : '';
  if (status === 'closed') return [`lifeboat incident show ${id}`];
  if (lead === undefined) steps.push('lifeboat incident assign YOU    # somebody leads');
  if (status === 'investigating') {
    if (freeze !== undefined) {
      const what = freeze.sources.map(printable).join(' ') || `--severity ${severity}`;
      steps.push(`lifeboat freeze ${what}    # ${freeze.reason}`);
    }
    steps.push(
      hasLog
        ? `lifeboat find-loss${source}    # what destroyed data, and when`
        : `lifeboat assess${source}    # what is lost, and since when`,
    );
  }
  if (status === 'recovering') {
    steps.push('lifeboat recover --status    # where the run stands');
    steps.push('lifeboat incident update --status monitoring    # when the data is back');
  }
  if (status === 'monitoring') {
    steps.push('lifeboat incident update --status resolved    # when all of it holds');
  }
  if (status === 'resolved') {
    const open = checklist.filter(({ isDone }) => !isDone);
    if (open.length > 0) {
      steps.push('lifeboat incident show    # the checklist: what is still to be done');
    }
    steps.push('lifeboat incident close --summary TEXT');
  }
  return steps;
}
