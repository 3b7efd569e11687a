import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { initRepository, LocalLocation, openRepository } from '../../src/repository/index.ts';
import { lifeboat } from '../support/command-line.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { storeLog, storeSnapshot } from '../support/stored-scene.ts';

const password = new Secret('test');
let folder: string;

const configuration = `
name: test
repositories:
  main: { location: main, password: { env: TEST_PASSWORD } }
  offsite: { location: offsite, password: { env: TEST_PASSWORD }, copyFrom: main }
  gone: { location: nowhere, password: { env: TEST_PASSWORD } }
sources:
  docs: { kind: files, paths: [docs], repository: main, backup: '0 0 1 1 *' }
  empty: { kind: files, paths: [docs], repository: main }
state: state
`;

const run = (...args: string[]) =>
  lifeboat(['--json', ...args], { cwd: folder, env: { TEST_PASSWORD: password.reveal() } });

beforeAll(async () => {
  folder = temporaryFolder('status');
  writeFileSync(join(folder, 'lifeboat.yaml'), configuration);
  for (const name of ['main', 'offsite']) {
    const location = new LocalLocation(join(folder, name));
    await using _made = await initRepository({ location, password });
  }
  const location = new LocalLocation(join(folder, 'main'));
  await using repository = await openRepository({ location, password });
  const tags = ['kind:files', 'source:docs'];
  await storeSnapshot(repository, [Buffer.from('one')], tags);
  await storeSnapshot(repository, [Buffer.from('two')], [...tags, 'lifeboat:flagged']);
  // A database without its log, and a log whose snapshots stock restic forgot.
  await storeSnapshot(repository, [Buffer.from('base')], ['kind:postgres', 'source:bare']);
  await storeLog(repository, 1);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('status', () => {
  it('shows what is protected, what is flagged, how far a copy is, what stock tools left', async () => {
    const { records, exitCode } = await run('status');
    const of = (field: string, value: string) => records.find((each) => each[field] === value);
    expect(of('source', 'docs')).toMatchObject({
      type: 'source-status',
      repository: 'main',
      snapshots: 2,
      flagged: [{ reason: expect.stringContaining('% of its files') }],
    });
    expect(of('source', 'docs')).toHaveProperty('lastBackup.ageMs');
    expect(of('source', 'docs')).not.toHaveProperty('overdueSince');
    expect(of('source', 'empty')).not.toHaveProperty('lastBackup');
    expect(of('name', 'main')).toMatchObject({
      snapshots: 3,
      leftBehind: [{ kind: 'log', name: 'shop' }],
    });
    expect(of('name', 'offsite')).toMatchObject({ copyOf: { name: 'main', missing: 3 } });
    expect(of('name', 'gone')).toMatchObject({ problem: expect.stringContaining('no repository') });
    expect(records.at(-1)).toEqual({ type: 'status', needsAttention: true });
    expect(exitCode).toBe(1);
  });

  it('knows of copies and checks that were made by hand, and is content with what is well', async () => {
    expect((await run('copy', '--from', 'main', '--to', 'offsite')).exitCode).toBe(0);
    expect((await run('check', '-r', 'offsite')).exitCode).toBe(0);
    const { records } = await run('status');
    expect(records.find(({ name }) => name === 'offsite')).toMatchObject({
      copyOf: { missing: 0 },
      leftBehind: [
        { name: 'bare', problem: expect.stringContaining('copied without it') },
        { name: 'shop' },
      ],
      activities: {
        copy: { isGood: true, result: '3 new from main' },
        check: { isGood: true, result: '0 errors' },
      },
    });
    const one = await run('status', 'docs');
    expect(one.exitCode).toBe(0);
    expect(one.records.map(({ type }) => type)).toEqual(['source-status', 'status']);
  });
});
