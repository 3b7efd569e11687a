import { ExitCode } from '../../core/index.ts';
import { attachmentOf, type IncidentEntry } from '../../incidents/index.ts';
import { describeList, describeStatus, describeTimeline } from '../output/incident-text.ts';
import { describeVerification } from '../output/verification-text.ts';
import { chosenIncident } from './chosen-incident.ts';
import { type IncidentWork, refuse } from './incident-options.ts';
import { nextAdvice } from './next-advice.ts';

/** How long a command that only shows waits for repositories. */
const patienceMs = 5000;
/** Verifying reads everything anew. */
const thoroughMs = 60_000;
const shownEntries = 6;

/** `status [ID]`: all that matters now, on one screen. */
export async function showStatus(work: IncidentWork): Promise<undefined> {
  const { desk, context, words } = work;
  const { id } = await chosenIncident(work, words[0]);
  await desk.incidents.exchange(id, patienceMs);
  const incident = await desk.incidents.find(id);
  const deliveries = await desk.incidents.deliveries(id);
  const entries = await desk.incidents.timeline(id);
  const next = nextAdvice(incident, desk);
  const newest = entries.slice(-shownEntries);
  context.output.report({ type: 'incident', ...incident, deliveries }, (style) =>
    describeStatus({ incident, deliveries, newest, next, now: new Date() }, style),
  );
  return undefined;
}

/** `show [ID]`: the whole timeline, and the checklist. */
export async function showTimeline(work: IncidentWork): Promise<undefined> {
  const { desk, context, words } = work;
  const { id } = await chosenIncident(work, words[0]);
  await desk.incidents.exchange(id, patienceMs);
  const incident = await desk.incidents.find(id);
  const entries = await desk.incidents.timeline(id);
  const { attachment: wanted } = work.options;
  if (wanted !== undefined) return await printAttachment(work, id, entries, wanted);
  for (const entry of entries) context.output.report({ type: 'incident-entry', ...entry });
  context.output.report({ type: 'incident', ...incident }, (style) =>
    describeTimeline(incident, entries, style),
  );
  return undefined;
}

/** The newest one of that name, byte for byte. */
async function printAttachment(
  { desk, context: { output } }: IncidentWork,
  id: string,
  entries: readonly IncidentEntry[],
  wanted: string,
): Promise<undefined> {
  const all = entries.flatMap((entry) => attachmentOf(entry) ?? []);
  const found = all.findLast(({ name, sha256 }) => name === wanted || sha256 === wanted);
  const text = found && (await desk.incidents.attachment(id, found.sha256));
  if (found === undefined || text === undefined) {
    const names = all.map(({ name }) => name).join(', ');
    refuse(
      found ? `${wanted} is not here, or was changed` : `nothing is attached as ${wanted}`,
      found
        ? 'A repository may have it: try again when one can be reached.'
        : `There is ${names || 'nothing'}.`,
    );
  }
  if (output.mode === 'json') output.report({ type: 'incident-attachment', ...found, text });
  else await output.write(Buffer.from(text));
  return undefined;
}

/** `list`: those that are open, or all. */
export async function listIncidents({ desk, context, options }: IncidentWork): Promise<undefined> {
  await desk.incidents.exchange(undefined, patienceMs);
  const all = await desk.incidents.list({ onlyOpen: !options.all });
  for (const incident of all) context.output.report({ type: 'incident', ...incident });
  context.output.say((style) => describeList(all, options.all === true, style));
  return undefined;
}

/** `verify [ID]`: 1 when anything was tampered with, 3 when a repository could not be looked at. */
export async function verifyIncident(work: IncidentWork): Promise<number> {
  const { desk, context, options, words } = work;
  const { id } = await chosenIncident(work, words[0]);
  if (options.accept !== undefined) await desk.incidents.acceptWriter(id, options.accept);
  const verification = await desk.incidents.verify(id, thoroughMs);
  const { findings, ...rest } = verification;
  for (const each of findings) context.output.report({ type: 'incident-finding', ...each });
  const isWhole = findings.length === 0;
  context.output.report(
    { type: 'incident-verified', incident: id, isWhole, findings: findings.length, ...rest },
    (style) => describeVerification(id, verification, style),
  );
  if (isWhole) return ExitCode.ok;
  const isTampered = findings.some(({ kind }) => kind !== 'not-verified');
  return isTampered ? ExitCode.failed : ExitCode.partlyDone;
}
