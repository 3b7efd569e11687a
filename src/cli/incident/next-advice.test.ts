import { expect, it } from 'vitest';
import type { Incident } from '../../incidents/index.ts';
import { nextSteps } from '../output/incident-next.ts';
import type { IncidentDesk } from './incident-desk.ts';
import { nextAdvice } from './next-advice.ts';

const kinds = { shop: 'postgres-dump', uploads: 'volume', database: 'postgres' };

it.each([
  [['shop'], 'lifeboat assess shop '],
  [['shop', 'uploads'], 'lifeboat assess '],
  [['database'], 'lifeboat find-loss database '],
  [['database', 'uploads'], 'lifeboat find-loss '],
  [[], 'lifeboat find-loss '],
])('what destroyed %j is looked for where it is told', (sources, command) => {
  const entries = Object.entries(kinds).map(([name, kind]) => [name, { kind }]);
  const configuration = { sources: Object.fromEntries(entries) };
  const incident = { status: 'investigating', severity: 'P1', sources, checklist: [] };
  const desk = { configuration } as unknown as IncidentDesk;
  const steps = nextSteps(
    incident as unknown as Incident,
    nextAdvice(incident as unknown as Incident, desk),
  );
  expect(steps.at(-1)).toContain(`${command}   #`);
});
