// The record of a run, from before its first step to after its last: with the incidents as they are kept, and a run as it ends.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type IncidentHosts, incidentHosts } from '../../../test/support/incident-hosts.ts';
import { planOf } from '../../../test/support/recovery-run.ts';
import type { Incidents } from '../../incidents/index.ts';
import type { RunState } from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import { quietOutput } from '../output/quiet.ts';
import { enterIncident } from './enter-incident.ts';
import { finishIncident } from './finish-incident.ts';

let hosts: IncidentHosts;
let incidents: Incidents;
let told: Record<string, unknown>[];
beforeEach(() => {
  hosts = incidentHosts();
  incidents = hosts.on('web-1');
  told = [];
});
afterEach(async () => {
  await incidents[Symbol.asyncDispose]();
  hosts[Symbol.dispose]();
});

/** `blog` is a source of another host: nobody can look at it here. */
async function recovered(id: string, ...sources: string[]) {
  const plan = planOf([], { incident: id, sources });
  const output = {
    ...quietOutput,
    report: (record: Record<string, unknown>) => void told.push(record),
  };
  const context = { output, environment: {}, ask: undefined } as unknown as CommandContext;
  const desk = { incidents } as unknown as Parameters<typeof enterIncident>[2];
  const known = { sources: ['blog'], lossType: 'failed-migration' } as const;
  await enterIncident(plan, known, desk, context);
  const state = { run: 'r', phase: 'done', plan, steps: {} } as unknown as RunState;
  const clock = { declaredAt: new Date().toISOString(), openedAt: new Date().toISOString() };
  const surroundings = { configuration: { sources: { uploads: {}, database: {} } } };
  const opened = { desk, surroundings, runs: { list: async () => [] } };
  const parts = opened as unknown as Parameters<typeof finishIncident>[1];
  await finishIncident({ ...state, ...clock } as RunState, parts, context, { isDown: false });
  return await incidents.find(id);
}

const opened = async (...sources: string[]) =>
  (await incidents.open({ title: 'the blog is gone', severity: 'P1', sources })).id;

it('a source that was recovered besides is entered, and what the incident is about stays open', async () => {
  const id = await opened('blog');
  expect(await recovered(id, 'uploads')).toMatchObject({
    status: 'recovering',
    sources: ['blog', 'uploads'],
    addedSources: ['uploads'],
  });
  expect(told).toMatchObject([
    { type: 'incident-sources-added', incident: id, sources: ['uploads'] },
    {
      type: 'incident-not-resolved',
      left: [{ source: 'blog', why: 'not-looked-at', command: expect.stringContaining(id) }],
      resolve: expect.stringContaining(`--status resolved --incident ${id}`),
    },
  ]);
  // What was said of the blog stays said of it: it was not what happened to the uploads.
  expect((await incidents.find(id)).lossType).toBeUndefined();
  const entries = await incidents.timeline(id);
  expect(entries.map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/^not resolved: uploads was recovered, but not blog/),
  );
  expect(entries.every(({ actor, host }) => actor !== '' && host === 'web-1')).toBe(true);
});

it('the incident is resolved when all that it is about was recovered', async () => {
  const id = await opened('blog');
  expect(await recovered(id, 'blog')).toMatchObject({
    status: 'resolved',
    lossType: 'failed-migration',
    addedSources: [],
  });
  expect(told).toEqual([]);
});
