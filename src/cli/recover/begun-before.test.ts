import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/postgres.ts';
import { engineFile, planOf, runsWith } from '../../../test/support/recovery-run.ts';
import { type Engine, openSqliteEngine } from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import { begunBefore, insteadOfAnother } from './begun-before.ts';
import type { OpenedRuns } from './open-runs.ts';

let stateFolder: string;
let engine: Engine;
let offered: readonly string[];
beforeEach(async () => {
  stateFolder = temporaryFolder('begun-before');
  engine = await openSqliteEngine(engineFile(stateFolder));
  offered = [];
});
afterEach(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(stateFolder, { recursive: true, force: true });
});

const plan = planOf([
  { id: 'swap', kind: 'swap', input: { id: 'swap', source: 'database' } },
  { id: 'settle', kind: 'settle', input: { id: 'settle', source: 'database', of: 'swap' } },
]);

function opened(isFailing = false): OpenedRuns {
  const { runs } = runsWith({
    engine,
    place: { stateFolder, repositories: {} },
    script: {
      notBefore: (id) => (id === 'settle' ? new Date(Date.now() + 3_600_000) : undefined),
      check: () => (isFailing ? ['no answer'] : []),
    },
  });
  return { runs } as unknown as OpenedRuns;
}

/** A person who chooses `answer`, or nobody. */
function asked(answer: string | undefined): CommandContext {
  const ask = answer && {
    text: async () => 'because',
    choose: async (_: string, choices: readonly { readonly value: string }[]) => {
      offered = choices.map(({ value }) => value);
      return answer;
    },
  };
  return { ask, output: { progress: () => {} } } as unknown as CommandContext;
}

async function insteadFor(answer: string | undefined) {
  const before = await begunBefore(opened(), 'database');
  return await insteadOfAnother(opened(), before, asked(answer));
}

describe('a recovery that is there already', () => {
  it('lets another begin when it only keeps what it replaced; a person may also end it', async () => {
    const { run } = await opened().runs.start(plan);
    expect(await insteadFor(undefined)).toBeUndefined();
    expect(await insteadFor('another')).toBeUndefined();
    expect(offered).toEqual(['another', 'abort', 'let-go', 'stop']);
    expect(await (await insteadFor('stop'))?.act()).toBeUndefined();
    expect((await opened().runs.find(run)).phase).toBe('paused');
    expect(await (await insteadFor('let-go'))?.act()).toMatchObject({ run, phase: 'done' });
  });

  it('is taken back when a person chooses that, the newest one', async () => {
    await opened().runs.start(plan);
    const { run } = await opened().runs.start(plan);
    expect(await (await insteadFor('abort'))?.act()).toMatchObject({ run, phase: 'aborted' });
  });

  it('is gone on with while it has something to do, however many keep', async () => {
    await opened().runs.start(plan);
    const failed = await opened(true)
      .runs.start(plan)
      .catch((error) => error);
    const { run } = failed.context;
    await expect(insteadFor(undefined)).rejects.toMatchObject({
      code: 'run.busy',
      hint: expect.stringContaining(`--resume ${run}`),
    });
    expect(await (await insteadFor('resume'))?.act()).toMatchObject({ run, phase: 'paused' });
    expect(offered).toEqual(['resume', 'abort', 'stop']);
  });

  it('is none of the business of another source', async () => {
    await opened().runs.start(plan);
    expect(await begunBefore(opened(), 'uploads')).toEqual([]);
    expect(await begunBefore(opened(), undefined)).toHaveLength(1);
  });
});
