import { expect, it } from 'vitest';
import { LifeboatError } from '../../core/index.ts';
import type { Incident } from '../../incidents/index.ts';
import type { DamageReport, RunState } from '../../recovery/index.ts';
import { sourcesLeft } from './sources-left.ts';

const configured = ['uploads', 'database', 'letters'];
const run = (phase: RunState['phase'], ...sources: readonly string[]) =>
  ({ phase, steps: {}, plan: { incident: 'INC-1', sources, steps: [] } }) as unknown as RunState;

function report(sources: readonly string[], damaged: readonly string[], isLooked = true) {
  return {
    sources: sources.map((name) => ({ name, files: { looked: isLooked, why: 'too slow' } })),
    findings: damaged.map((source) => ({
      source,
      severity: 'critical',
      strength: 'certain',
      text: `${source} is gone`,
    })),
  } as unknown as DamageReport;
}

/** What is left when a run has recovered `uploads`; what was looked at. */
async function left(
  incident: Partial<Incident>,
  { damaged = [], isLooked = true, before = [] }: Setting = {},
): Promise<{ readonly left: readonly string[]; readonly looked: readonly string[] }> {
  const looked: string[] = [];
  const found = await sourcesLeft({
    incident: { id: 'INC-1', sources: [], addedSources: [], ...incident } as unknown as Incident,
    state: run('done', 'uploads'),
    runs: { list: async () => [run('done', 'uploads'), ...before] },
    configured,
    async look(sources) {
      looked.push(...sources);
      if (damaged === 'fails') throw new LifeboatError('file.unreadable', 'cannot look');
      return report(sources, damaged, isLooked);
    },
  });
  return { left: found.map(({ source, why }) => `${source}: ${why}`), looked };
}
interface Setting {
  readonly damaged?: readonly string[] | 'fails';
  readonly isLooked?: boolean;
  readonly before?: readonly RunState[];
}

it('is nothing, and nothing is looked at, where the run recovered all that the incident names', async () => {
  expect(await left({ sources: ['uploads'] })).toEqual({ left: [], looked: [] });
});

it('is a source of the incident that is damaged, or that nobody could look at', async () => {
  const sources = ['uploads', 'database'];
  expect(await left({ sources })).toEqual({ left: [], looked: ['database'] });
  expect((await left({ sources }, { damaged: ['database'] })).left).toEqual(['database: damaged']);
  const unseen = ['database: not-looked-at'];
  expect((await left({ sources }, { isLooked: false })).left).toEqual(unseen);
  expect((await left({ sources }, { damaged: 'fails' })).left).toEqual(unseen);
  const elsewhere = await left({ sources: ['uploads', 'blog'] });
  expect(elsewhere).toEqual({ left: ['blog: not-looked-at'], looked: [] });
});

it('may be any damaged source where the incident names none', async () => {
  const added = { sources: ['uploads'], addedSources: ['uploads'] };
  for (const incident of [{}, added]) {
    expect(await left(incident)).toEqual({ left: [], looked: ['database', 'letters'] });
    expect((await left(incident, { damaged: ['letters'] })).left).toEqual(['letters: damaged']);
    // It may never have been backed up: that is no part of the accident.
    expect((await left(incident, { isLooked: false })).left).toEqual([]);
    // Nothing is known of any when that fails, or Ctrl-C ends it.
    expect((await left(incident, { damaged: 'fails' })).left).toHaveLength(2);
  }
});

it('is what something was said of that does not show, until a run recovered some of it', async () => {
  const incident = {
    sources: ['database', 'uploads'],
    addedSources: ['uploads'],
    lossType: 'failed-migration' as const,
  };
  expect((await left(incident)).left).toEqual(['database: not-recovered']);
  expect((await left(incident, { before: [run('aborted', 'database')] })).left).toHaveLength(1);
  expect((await left(incident, { before: [run('done', 'database')] })).left).toEqual([]);
  expect((await left({ ...incident, addedSources: [] })).left).toEqual([]);
});
