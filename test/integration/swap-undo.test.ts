// What the undo of a swap says and does where the ground holds nothing of the run: never swapped is fine, swapped and gone is not.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LifeboatError } from '../../src/core/index.ts';
import type { Ground, TreeDelivery } from '../../src/recovery/ground/ground.ts';
import { createGround } from '../../src/recovery/ground/registry.ts';
import type { StepOutcome } from '../../src/recovery/index.ts';
import { swapStep } from '../../src/recovery/steps/kinds/swap.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { stepContext } from '../support/step-context.ts';

const input = { source: 'uploads', of: 'deliver-uploads' };
const told: StepOutcome = { text: 'did it', result: {}, evidence: {} };
let folder: string;

beforeEach(() => {
  folder = temporaryFolder('swap-undo');
  for (const name of ['ground', 'new']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'ground', 'data'), 'former');
  writeFileSync(join(folder, 'new', 'data'), 'recovered');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const context = (outcomes: Readonly<Record<string, StepOutcome>>) =>
  stepContext({
    folder,
    yaml: `sources:
  uploads: { kind: files, paths: [${folder}/ground], ground: { kind: folder, folder: ${folder}/ground } }`,
    outcomes,
  });

async function groundUnderTest(): Promise<Ground<TreeDelivery>> {
  const { surroundings } = context({});
  const setting = surroundings.configuration.sources.uploads?.ground;
  return (await createGround(setting as never, surroundings)) as Ground<TreeDelivery>;
}

it('is nothing where nothing was delivered, so nothing was swapped', async () => {
  const here = context({});
  expect(await swapStep.probe(input, here)).toEqual({ found: 'not-done', isAsBefore: true });
  expect(await swapStep.undo?.(input, undefined, here)).toContain('nothing was swapped');
  expect(readFileSync(join(folder, 'ground', 'data'), 'utf8')).toBe('former');
});

it('is nothing where a delivery was cut before it was whole', async () => {
  const ground = await groundUnderTest();
  const here = context({});
  const missing = { kind: 'tree' as const, folder: join(folder, 'missing'), bytes: 9 };
  await expect(ground.fill(here.token, missing)).rejects.toBeInstanceOf(LifeboatError);
  expect(await swapStep.undo?.(input, undefined, here)).toContain('nothing was swapped');
  expect(readFileSync(join(folder, 'ground', 'data'), 'utf8')).toBe('former');
});

it.each([
  ['its end was seen', { 'deliver-uploads': told }, told],
  ['its end was not seen', { 'deliver-uploads': told }, undefined],
  ['what was delivered is not known any more', {}, told],
])('stays an error where the former data is gone: %s', async (_, outcomes, outcome) => {
  const ground = await groundUnderTest();
  const here = context(outcomes);
  await ground.fill(here.token, { kind: 'tree', folder: join(folder, 'new'), bytes: 9 });
  await ground.swap(here.token);
  await ground.settle(here.token);
  await ground.forget(here.token);
  await expect(swapStep.undo?.(input, outcome, here)).rejects.toMatchObject({
    code: 'ground.failed',
    message: expect.stringContaining('the former data was let go of'),
  });
  expect(readFileSync(join(folder, 'ground', 'data'), 'utf8')).toBe('recovered');
});
