import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type IncidentHosts, incidentHosts } from '../../../test/support/incident-hosts.ts';
import type { Incidents } from '../../incidents/index.ts';
import type { Surroundings } from '../../recovery/index.ts';
import type { Ask, CommandContext } from '../command.ts';
import type { IncidentDesk } from '../incident/incident-desk.ts';
import { knownOf } from '../incident/known-incident.ts';
import { quietOutput } from '../output/quiet.ts';
import { incidentToRecover } from './incident-to-recover.ts';
import type { LeadOptions } from './lead-recovery.ts';

const configuration = { sources: { database: {}, uploads: {} }, incidents: {}, services: [] };
const surroundings = { configuration } as unknown as Surroundings;

let hosts: IncidentHosts;
let incidents: Incidents;
/** What a person was offered, and the default. */
let offered: readonly string[];
let proposed: string;
/** Records that were shown, but for what shows the incident. */
let told: Record<string, unknown>[];
beforeEach(() => {
  hosts = incidentHosts();
  incidents = hosts.on('web-1');
  [offered, proposed, told] = [[], '', []];
});
afterEach(async () => {
  await incidents[Symbol.asyncDispose]();
  hosts[Symbol.dispose]();
});

/** `answer`: of whoever sits at the terminal; the default is taken when it is empty. */
async function chosen(
  options: Partial<LeadOptions>,
  answer?: string,
  { wanted, ageMs = 0 }: { readonly wanted?: string; readonly ageMs?: number } = {},
) {
  const ask: Ask = {
    secret: () => Promise.reject(new Error('no secret is asked for')),
    text: async (_, initial) => initial ?? 'something else',
    async choose(question, choices, initial) {
      if (!question.includes('open')) return initial;
      [offered, proposed] = [choices.map(({ value }) => value), initial];
      return (answer || initial) as typeof initial;
    },
  };
  const aged = {
    open: (...args: Parameters<Incidents['open']>) => incidents.open(...args),
    find: (id: string) => incidents.find(id),
    tell: (id: string) => incidents.tell(id),
    list: async (filter: Parameters<Incidents['list']>[0]) =>
      (await incidents.list(filter)).map((each) => ({
        ...each,
        openedAt: new Date(each.openedAt.getTime() - ageMs),
      })),
  };
  const output = {
    ...quietOutput,
    report: (record: Record<string, unknown>) => void (record.severity ?? told.push(record)),
  };
  const desk = { incidents: aged, configuration, actor: 'anna' } as unknown as IncidentDesk;
  const context = { output, environment: {}, ask: answer === undefined ? undefined : ask };
  const asked = {
    wanted,
    options: options as LeadOptions,
    context: context as unknown as CommandContext,
  };
  return (await incidentToRecover(desk, surroundings, asked)).id;
}

describe('what is known of an incident', () => {
  it('is what was said of the source that is asked for', async () => {
    const { id } = await incidents.open({
      title: 'the migration',
      severity: 'P1',
      lossType: 'failed-migration',
      sources: ['database'],
    });
    const incident = await incidents.update(id, { addedSources: ['uploads'] });
    expect(knownOf(incident, undefined)).toMatchObject({
      lossType: 'failed-migration',
      sources: ['database'],
      addedSources: ['uploads'],
    });
    expect(knownOf(incident, 'database').lossType).toBe('failed-migration');
    expect(knownOf(incident, 'uploads').lossType).toBeUndefined();
  });
});

const opened = async (title: string, ...sources: string[]) =>
  (await incidents.open({ title, severity: 'P1', sources })).id;

describe('at a terminal', () => {
  it('a new incident can always be chosen; the open one is proposed while it is recent', async () => {
    const id = await opened('uploads are gone', 'uploads');
    expect(await chosen({}, '')).toBe(id);
    expect(offered).toEqual([id, 'new']);
    await chosen({}, id, { ageMs: 13 * 3_600_000 });
    expect(proposed).toBe('new');
    await chosen({}, id, { wanted: 'database' });
    expect(proposed).toBe('new');
    await chosen({ title: 'another' }, id);
    expect(proposed).toBe('new');
    expect(await chosen({}, 'new')).not.toBe(id);
  });

  it('nothing is asked of incidents that are about sources of another configuration', async () => {
    const other = await opened('the blog is gone', 'blog');
    expect(await chosen({}, '')).not.toBe(other);
    expect(offered).toEqual([]);
  });
});

describe('in a script', () => {
  it('the open one is taken; with a title a new one is opened, unless one is named', async () => {
    await opened('the blog is gone', 'blog');
    const id = await opened('not known yet');
    expect(await chosen({})).toBe(id);
    expect(await chosen({ title: 'orders are gone', incident: id })).toBe(id);
    const another = await chosen({ title: 'orders are gone' });
    expect(another).not.toBe(id);
    await expect(chosen({})).rejects.toMatchObject({ code: 'incident.unknown' });
  });

  it('one that is old is not taken: a new one is opened, and names it', async () => {
    const old = await opened('uploads are gone', 'uploads');
    const id = await chosen({}, undefined, { ageMs: 13 * 3_600_000 });
    expect(id).not.toBe(old);
    expect(told).toMatchObject([
      { type: 'incident-left-open', incident: old, command: `lifeboat recover --incident ${old}` },
    ]);
    const notes = (await incidents.timeline(id)).filter(({ event }) => event === 'incident.note');
    expect(notes.map(({ text }) => text)).toEqual([expect.stringContaining(old)]);
    expect(await incidents.timeline(old)).toHaveLength(1);
    expect(await chosen({ incident: old }, undefined, { ageMs: 13 * 3_600_000 })).toBe(old);
  });

  it('one that is closed is refused before anything is looked at', async () => {
    const id = await opened('uploads are gone', 'uploads');
    await incidents.close(id, 'all is well');
    await expect(chosen({ incident: id })).rejects.toMatchObject({ code: 'incident.closed' });
  });
});
