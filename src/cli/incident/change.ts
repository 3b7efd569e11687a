import { readFile, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { fileError } from '../../core/index.ts';
import { findTask, type IncidentChanges, statusNames } from '../../incidents/index.ts';
import type { CommandContext } from '../command.ts';
import { describeChanged, describeEntered } from '../output/incident-text.ts';
import { durationOption } from '../quantity-options.ts';
import { chosenIncident } from './chosen-incident.ts';
import {
  extentOf,
  type IncidentWork,
  lossTypeOf,
  refuse,
  severityOf,
  sourcesOf,
} from './incident-options.ts';

const attachedBytesMax = 8 * 1024 * 1024;

/** `note TEXT`: what a person did or saw. */
export async function enterNote(work: IncidentWork): Promise<undefined> {
  const { desk, context, words } = work;
  const text = words.join(' ').trim() || (await context.ask?.text('What is to be noted?'))?.trim();
  if (!text) refuse('the note is empty', 'Say what you did or saw: lifeboat incident note TEXT.');
  const { id } = await chosenIncident(work, undefined);
  const entry = { event: 'incident.note', text };
  const { attach } = work.options;
  if (attach === undefined) await desk.incidents.tell(id)(entry);
  else {
    const name = basename(attach);
    await desk.incidents.attach(id, { name, text: await textOf(context, attach), entry });
  }
  context.output.report({ type: 'incident-noted', incident: id, text }, (style) =>
    describeEntered(id, style),
  );
  return undefined;
}

/** `update [TEXT]`: what is known now; counts as news for those who wait. */
export async function updateIncident(work: IncidentWork): Promise<undefined> {
  const { desk, context, options, words } = work;
  const text = words.join(' ').trim();
  const changes = changesIn(work);
  if (Object.keys(changes).length === 0 && text === '') {
    refuse(
      'nothing is said that changed',
      'Give a text, or options such as --status recovering, --severity P1, --done scope.',
    );
  }
  const former = await chosenIncident(work, undefined);
  const now = await desk.incidents.update(former.id, changes, text === '' ? undefined : text);
  context.output.report({ type: 'incident-updated', ...now }, (style) =>
    describeChanged(now, options.done !== undefined || options.undone !== undefined, style),
  );
  return undefined;
}

/** `assign PERSON`: who works on it; with `--lead`, who leads. */
export async function assignIncident(work: IncidentWork): Promise<undefined> {
  const { desk, context, options, words } = work;
  if (words.length === 0 && options.lead === undefined) {
    refuse('nobody is named', `Name who works on it: lifeboat incident assign ${desk.actor}.`);
  }
  const former = await chosenIncident(work, undefined);
  const assignees = [...new Set([...former.assignees, ...words])];
  const lead = options.lead ?? (former.lead === undefined ? words[0] : undefined);
  const now = await desk.incidents.update(former.id, {
    ...(words.length > 0 ? { assignees } : {}),
    ...(lead === undefined ? {} : { lead }),
  });
  context.output.report({ type: 'incident-updated', ...now }, (style) =>
    describeChanged(now, false, style),
  );
  return undefined;
}

/** `close [ID]`: it is over. */
export async function closeIncident(work: IncidentWork): Promise<undefined> {
  const { desk, context, options, words } = work;
  const { id, title } = await chosenIncident(work, words[0]);
  const asked =
    options.summary ?? (await context.ask?.text(`What was "${title}", and what did it cost?`));
  const summary = asked?.trim();
  if (!summary) refuse('nothing says what it was', 'Say it in a sentence or two: --summary.');
  const closed = await desk.incidents.close(id, summary);
  context.output.report({ type: 'incident-closed', ...closed }, (style) =>
    describeChanged(closed, true, style),
  );
  return undefined;
}

async function textOf({ folder }: CommandContext, file: string): Promise<string> {
  const path = resolve(folder, file);
  try {
    const { size } = await stat(path);
    if (size > attachedBytesMax) {
      refuse(`${path} is too large`, 'Attach the part that matters: at most 8 MiB of text.');
    }
    return await readFile(path, 'utf8');
  } catch (error) {
    throw fileError(error, `could not read ${path}`);
  }
}

function changesIn({ desk, options }: IncidentWork): IncidentChanges {
  const { title, severity, extent, lossType, source, lead, status, nextUpdate } = options;
  const checklist = checklistIn(options.done, options.undone);
  return {
    ...(title === undefined ? {} : { title }),
    ...(severity === undefined ? {} : { severity: severityOf(severity) }),
    ...(extent === undefined ? {} : { extent: extentOf(extent) }),
    ...(lossType === undefined ? {} : { lossType: lossTypeOf(lossType) }),
    ...(source === undefined ? {} : { sources: sourcesOf(desk, source) }),
    ...(lead === undefined ? {} : { lead }),
    ...(status === undefined ? {} : { status: statusOf(status) }),
    ...(nextUpdate === undefined ? {} : { nextUpdateDue: dueIn(nextUpdate) }),
    ...(checklist === undefined ? {} : { checklist }),
  };
}

function statusOf(text: string): NonNullable<IncidentChanges['status']> {
  const found = statusNames.find((each) => each === text.trim().toLowerCase());
  if (found !== undefined && found !== 'closed') return found;
  const all = statusNames.filter((each) => each !== 'closed').join(', ');
  return refuse(
    `--status ${JSON.stringify(text)} is none`,
    found === 'closed' ? 'Close it with `lifeboat incident close`.' : `It is one of ${all}.`,
  );
}

function dueIn(text: string): Date {
  return new Date(Date.now() + durationOption('--next-update', text));
}

function checklistIn(done: readonly string[] = [], undone: readonly string[] = []) {
  if (done.length + undone.length === 0) return undefined;
  return Object.fromEntries([
    ...done.map((each) => [taskOf(each), true] as const),
    ...undone.map((each) => [taskOf(each), false] as const),
  ]);
}

function taskOf(wanted: string): string {
  return (
    findTask(wanted)?.id ??
    refuse(
      `the checklist has no item ${JSON.stringify(wanted)}`,
      '`lifeboat incident show` lists them; the beginning of a name is enough.',
    )
  );
}
