import type { Severity } from '../../config/index.ts';
import { isLifeboatError } from '../../core/index.ts';
import {
  type Extent,
  extentNames,
  extents,
  type Incident,
  lossTypeNames,
  lossTypes,
  proposeSeverity,
  severities,
  severityNames,
} from '../../incidents/index.ts';
import { describeOpened } from '../output/incident-text.ts';
import {
  environmentIn,
  extentOf,
  type IncidentWork,
  lossTypeOf,
  refuse,
  severityOf,
  sourcesOf,
} from './incident-options.ts';
import { nextAdvice } from './next-advice.ts';

/** As long as nobody knows how much is lost: bad, and easily made less. */
const unknownExtent: Extent = 'major';

export async function openIncident(work: IncidentWork): Promise<undefined> {
  await openedIncident(work);
  return undefined;
}

/** Asks what the options do not say, opens it, and shows it. */
export async function openedIncident(work: IncidentWork): Promise<Incident> {
  const { desk, context, options } = work;
  const title = await titleOf(work);
  const sources = await affected(work);
  const extent = await extentIn(work);
  const severity = await severityIn(work, sources, extent);
  const lossType = await lossTypeIn(work);
  const incident = await desk.incidents.open({
    title,
    severity,
    sources,
    ...(extent === undefined ? {} : { extent }),
    ...(lossType === undefined ? {} : { lossType }),
    ...(options.lead === undefined ? {} : { lead: options.lead }),
  });
  context.output.report({ type: 'incident-opened', ...incident }, (style) =>
    describeOpened(incident, nextAdvice(incident, desk), style),
  );
  return incident;
}

async function titleOf({
  context: { ask, output },
  options,
  words,
}: IncidentWork): Promise<string> {
  const given = options.title ?? (words.join(' ') || undefined);
  if (given !== undefined) return given;
  const hint = 'Say in a few words what happened: --title.';
  if (ask === undefined) return refuse('the incident has no title', hint);
  for (;;) {
    const typed = (await ask.text('What happened, in a few words?')).trim();
    if (typed !== '') return typed;
    output.warn('a few words are needed: they stand in the record', 'Ctrl-C ends it.');
  }
}

async function affected({ desk, context: { ask, output }, options }: IncidentWork) {
  if (options.source !== undefined) return sourcesOf(desk, options.source);
  const known = Object.keys(desk.configuration?.sources ?? {});
  if (known.length <= 1 || ask === undefined) return known.length === 1 ? known : [];
  const question = `Affected sources, separated by spaces (${known.join(', ')}); empty: not known yet`;
  for (;;) {
    const typed = await ask.text(question, known.join(' '));
    try {
      return sourcesOf(desk, typed.split(/[\s,]+/).filter(Boolean));
    } catch (error) {
      if (!isLifeboatError(error, 'usage.invalid')) throw error;
      output.warn(error.message, error.hint);
    }
  }
}

async function extentIn({ context: { ask }, options }: IncidentWork): Promise<Extent | undefined> {
  if (options.extent !== undefined) return extentOf(options.extent);
  if (options.severity !== undefined || ask === undefined) return undefined;
  const choices = extentNames.map((value) => ({ value, label: `${value}: ${extents[value]}` }));
  return await ask.choose('How much is lost, as far as you know?', choices, unknownExtent);
}

async function severityIn(
  { desk, context: { ask }, options }: IncidentWork,
  sources: readonly string[],
  extent: Extent | undefined,
): Promise<Severity> {
  if (options.severity !== undefined) return severityOf(options.severity);
  const proposed = proposeSeverity({
    extent: extent ?? unknownExtent,
    environments: sources.map(environmentIn(desk)),
    classifyBy: desk.configuration?.incidents.classifyBy,
  });
  if (ask === undefined || options.extent !== undefined) return proposed;
  const choices = severityNames.map((value) => {
    const { alias, definition } = severities[value];
    const note = value === proposed ? ' (proposed)' : '';
    return { value, label: `${value} / ${alias}: ${definition}${note}` };
  });
  return await ask.choose('How severe is it?', choices, proposed);
}

async function lossTypeIn({ context: { ask }, options }: IncidentWork) {
  if (options.lossType !== undefined) return lossTypeOf(options.lossType);
  if (ask === undefined) return undefined;
  const unknown = { value: 'unknown', label: 'not known yet' } as const;
  const choices = lossTypeNames.map((value) => ({ value, label: `${value}: ${lossTypes[value]}` }));
  const chosen = await ask.choose('What kind of loss is it?', [unknown, ...choices], 'unknown');
  return chosen === 'unknown' ? undefined : chosen;
}
