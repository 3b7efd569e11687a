// From `incident open`, and the freeze that it advises, to the end of a recovery of files: what was frozen for it works again, and what somebody else
// froze is named.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Plan, RunState } from '../../src/recovery/index.ts';
import { type FilesInstallation, filesInstallation } from '../support/files-installation.ts';
import { fileService, runs, setRunning } from '../support/freeze-scene.ts';
import { temporaryFolder } from '../support/postgres.ts';

let place: FilesInstallation;
let at: string;
const services = ['api', 'both', 'billing'];
const running = () => services.filter((name) => runs(at, name));
const page = () => join(place.source, 'page');

beforeEach(async () => {
  at = temporaryFolder('services');
  const other = join(at, 'books');
  mkdirSync(other);
  const yaml = `  books: { kind: files, paths: [${other}] }
services:
${fileService(at, 'api', ', writes: [uploads]')}${fileService(at, 'billing', ', writes: [books]')}${fileService(at, 'both', ', writes: [uploads, books]')}recovery: { watch: 1s }
`;
  place = await filesInstallation('uploads', yaml);
  setRunning(at, ...services);
  writeFileSync(page(), 'the page');
  expect((await place.run('backup', 'uploads')).exitCode).toBe(0);
  const opened = await place.run(
    'incident',
    'open',
    'pages are gone',
    '--source',
    'uploads',
    '--severity',
    'P1',
    '--loss-type',
    'accidental-deletion',
  );
  expect(opened.exitCode, opened.stdout).toBe(0);
  rmSync(page());
});
afterEach(async () => {
  await place[Symbol.asyncDispose]();
  rmSync(at, { recursive: true, force: true });
});

const yes = ['freeze', 'restore-uploads', 'uploads'].flatMap((each) => ['--yes', each]);
const freezeByHand = async (...sources: string[]) => {
  const frozen = await place.run('freeze', ...sources, '--yes', 'test');
  expect(frozen.exitCode, frozen.stdout).toBe(0);
};
const statusOfIncident = async () => {
  const { records } = await place.run('incident', 'list', '--offline');
  return records.find(({ type }) => type === 'incident')?.status;
};

it('brings back what was frozen by hand for it, and watches it', async () => {
  await freezeByHand('uploads');
  expect(running()).toEqual(['billing']);
  const recovered = await place.run('recover', 'uploads', ...yes);
  expect(recovered.exitCode, recovered.stdout.slice(-3000)).toBe(0);
  expect(readFileSync(page(), 'utf8')).toBe('the page');
  expect(running()).toEqual(services);
  const { steps } = recovered.records.find(({ type }) => type === 'plan') as unknown as Plan;
  expect(steps.find(({ kind }) => kind === 'watch')?.input.services).toEqual(['both', 'api']);
  const froze = recovered.records.find(
    ({ type, step }) => type === 'run-step-done' && step === 'freeze',
  );
  expect(froze?.text).toMatch(/uploads was frozen by hand by \S+ since .*is thawed with this run/);
  expect(recovered.records.filter(({ type }) => type === 'freeze-stands')).toEqual([]);
  expect(await statusOfIncident()).toBe('resolved');
  const { records } = await place.run('status');
  expect(records.filter(({ frozen }) => frozen)).toEqual([]);
});

it('names what is still down for somebody else, and resolves nothing', async () => {
  await freezeByHand('uploads', 'books');
  const recovered = await place.run('recover', 'uploads', ...yes);
  expect(recovered.exitCode, recovered.stdout.slice(-3000)).toBe(3);
  expect(running()).toEqual(['api']);
  const stands = recovered.records.find(({ type }) => type === 'freeze-stands');
  expect(stands).toMatchObject({ sources: ['books'], services: ['both'] });
  expect(stands?.by).toEqual([expect.stringContaining('by hand by')]);
  expect(await statusOfIncident()).not.toBe('resolved');
  const [, ...command] = String(stands?.command).split(' ');
  const thawed = await place.run(...command, '--yes', 'test');
  expect(thawed.exitCode, thawed.stdout).toBe(0);
  expect(running()).toEqual(services);
});

it('given up leaves frozen what was so before, and names it', async () => {
  await freezeByHand('uploads');
  const paused = await place.run('recover', 'uploads', '--yes', 'freeze');
  expect(paused.exitCode, paused.stdout.slice(-3000)).toBe(3);
  const { records } = await place.run('recover', '--status');
  const { run } = records.find(({ type }) => type === 'run') as unknown as RunState;
  const aborted = await place.run('recover', '--abort', run, '--reason', 'the test');
  expect(aborted.exitCode, aborted.stdout.slice(-3000)).toBe(0);
  expect(running()).toEqual(['billing']);
  const stands = aborted.records.find(({ type }) => type === 'freeze-stands');
  expect(stands).toMatchObject({ sources: ['uploads'], services: ['both', 'api'] });
});
