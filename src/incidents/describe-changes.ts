import { checklistTasks } from './checklist.ts';
import type { Incident, IncidentChanges } from './incident.ts';

/** One sentence that says what an update changed. */
export function describeChanges(changes: IncidentChanges, former: Incident): string {
  const { severity, status, title, lossType, extent, sources, addedSources, lead, assignees } =
    changes;
  const said = [
    severity && `severity ${former.severity} is now ${severity}`,
    status && `status ${former.status} is now ${status}`,
    title && `title is now "${title}"`,
    lossType && `the loss is ${lossType}`,
    extent && `the extent is ${extent}`,
    sources && `affected: ${sources.join(', ') || 'no source'}`,
    addedSources && `affected, too, as a recovery found: ${addedSources.join(', ')}`,
    lead !== undefined && `${lead} leads`,
    assignees && `works on it: ${assignees.join(', ') || 'nobody'}`,
    ...Object.entries(changes.checklist ?? {}).map(
      ([id, isDone]) => `${isDone ? 'done' : 'open again'}: ${taskText(id)}`,
    ),
  ].filter((each) => typeof each === 'string' && each !== '');
  return said.length === 0 ? 'nothing new' : said.join('; ');
}

function taskText(id: string): string {
  return checklistTasks.find((each) => each.id === id)?.text ?? id;
}
