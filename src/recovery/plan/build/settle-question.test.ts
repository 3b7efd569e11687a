import { expect, it } from 'vitest';
import {
  databaseFacts,
  planConfiguration,
  planFacts,
} from '../../../../test/support/plan-facts.ts';
import type { ServerCondition } from '../facts.ts';
import { settleStep } from './deliver-steps.ts';

it.each([
  ['up', 'all as it was when the recovery began, of which the safety snapshot stays'],
  ['down', 'all as it was when the recovery began, of which no snapshot was taken'],
  ['other', /^another cluster than the one that was backed up, .*, of which no snapshot was taken/],
] as const)('a person reads what is let go of: server %s', (server: ServerCondition, what) => {
  const source = databaseFacts({ server });
  const building = {
    configuration: planConfiguration(),
    facts: planFacts({ sources: [source] }),
  } as unknown as Parameters<typeof settleStep>[0];
  const { question = '' } = settleStep(building, source, false).asked ?? {};
  const said = /^Remove the former data of database for good: (.*)\? After this/.exec(
    question,
  )?.[1];
  expect(said).toMatch(what);
});
