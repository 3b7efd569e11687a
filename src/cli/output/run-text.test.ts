import { expect, it } from 'vitest';
import { planOf } from '../../../test/support/recovery-run.ts';
import type { RunEvent, RunState, Step } from '../../recovery/index.ts';
import { commandLines, describeRun, describeRunEvent } from './run-text.ts';
import { createStyle } from './style.ts';

const plain = createStyle({ isTTY: false } as NodeJS.WriteStream, {});

it('a command is shown as a shell takes it', () => {
  const patch = ['kubectl', 'patch', 'cronjob/nightly', '-p', '{"spec":{"suspend":true}}'];
  const step = { commands: [patch, ['docker', 'stop', 'a\u001b[2J']] };
  expect(commandLines(step as unknown as Step)).toEqual([
    `    $ kubectl patch cronjob/nightly -p '{"spec":{"suspend":true}}'`,
    "    $ docker stop 'a\\x1b[2J'",
  ]);
});

const at = 'pgsql_tmp.lifeboat/r1/former in docker volume shop_db';
const plan = planOf([
  { id: 'swap-database', kind: 'swap', input: { source: 'database', of: 'deliver-database' } },
  { id: 'settle-database', kind: 'settle', input: { source: 'database', of: 'swap-database' } },
]);
const done = (result = {}) => ({
  phase: 'done',
  attempts: 1,
  approvals: [],
  outcome: { text: 'put the restored database in place', result, evidence: {} },
});
const run = (settle: object, phase = 'paused') =>
  ({
    run: 'r1',
    plan,
    phase,
    openedAt: '2026-11-27T10:00:00.000Z',
    declaredAt: '2026-11-27T10:00:00.000Z',
    lastTime: '2026-11-27T10:05:00.000Z',
    hosts: ['db'],
    over: [],
    steps: {
      'swap-database': done({ formerAt: at }),
      'settle-database': { attempts: 0, approvals: [], ...settle },
    },
  }) as unknown as RunState;

it.each([
  ['is kept', { phase: 'waiting' }, true],
  ['is kept, because nobody let go of it', { phase: 'skipped' }, true],
  ['is being let go of', { phase: 'begun' }, false],
  ['is gone', done(), false],
])('where former data lies is said at the end and by --status: it %s', (_, settle, isKept) => {
  const told = `What was there of database is kept: ${at}`;
  const shown = [
    describeRun(run(settle), plain),
    describeRunEvent({ type: 'done', state: run(settle, 'done') } as RunEvent, plain),
    describeRunEvent(
      { type: 'recovered', state: run(settle), keptUntil: '2026-11-28T10:00:00.000Z' } as RunEvent,
      plain,
    ),
  ];
  for (const text of shown) expect(text?.includes(told)).toBe(isKept);
});
