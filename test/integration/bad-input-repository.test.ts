import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { embeddedPostgresBin } from '../support/programs.ts';
import { startStock } from '../support/restored-server.ts';
import { untilFlushed } from '../support/until-flushed.ts';

// Goal: damage is named with its file and what it affects, nothing wrong is restored, and what is not affected still
// restores. Method: a repository with two snapshots and a log over both; each test damages a copy of it.

const bin = embeddedPostgresBin();
let server: TestServer;
let place: Installation;
/** Between the two snapshots. */
let between: string;
let rowsBetween: number;
let rowsAtEnd: number;
/** Files that only the second backup needs. */
let second: { packs: string[]; index: string; snapshot: string };
/** Id of the other one. */
let first: string;
let copies = 0;

type Kind = 'data' | 'index' | 'snapshots' | 'keys';

function filesOf(kind: Kind, repository = place.repositoryFolder): string[] {
  return readdirSync(join(repository, kind), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

async function insert(rows: number): Promise<void> {
  await server.query(
    `insert into ledger select gen_random_uuid()::text from generate_series(1, ${rows})`,
  );
}

async function countRows(): Promise<number> {
  return (await server.query('select count(*)::int as rows from ledger')).rows[0].rows;
}

beforeAll(async () => {
  server = await startPostgres({ bin, major: 18 });
  place = await installation({ connection: server.url(), programs: bin });
  await server.query('create table ledger (note text)');
  const service = place.spawn('serve');
  await untilRecord(service, ({ type }) => type === 'backup');
  await insert(1000);
  rowsBetween = await countRows();
  between = (await server.query('select pg_current_wal_insert_lsn()::text as lsn')).rows[0].lsn;
  // More than a base backup shares with the one before, so that it has packs of its own.
  await insert(20_000);
  first = basename(filesOf('snapshots')[0] as string).slice(0, 8);
  const before = new Set(
    (['data', 'index', 'snapshots'] as const).flatMap((kind) => filesOf(kind)),
  );
  expect((await place.run('backup')).exitCode).toBe(0);
  const added = (kind: Kind) => filesOf(kind).filter((path) => !before.has(path));
  const packs = added('data').sort((a, b) => statSync(b).size - statSync(a).size);
  const [index] = added('index');
  const [snapshot] = added('snapshots');
  second = { packs, index: index as string, snapshot: snapshot as string };
  await insert(500);
  rowsAtEnd = await countRows();
  await untilFlushed(server);
  expect(await ended(service, 'SIGTERM')).toBe(0);
  // From here on only the repository counts.
  rmSync(join(place.stateFolder, 'spool'), { recursive: true });
});

afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

interface Damaged {
  readonly run: Installation['run'];
  readonly target: string;
}

/** Works on a copy in which `file` of the original was changed by `damage`. */
async function damaged(
  file: string,
  damage: (path: string) => void,
  work: (copy: Damaged) => Promise<void>,
): Promise<void> {
  const copy = join(place.folder, `damaged-${copies++}`);
  const target = join(place.folder, `restored-${copies}`);
  cpSync(place.repositoryFolder, copy, { recursive: true });
  damage(join(copy, file.slice(place.repositoryFolder.length)));
  place.configure({ location: copy });
  try {
    await work({ run: place.run, target });
  } finally {
    place.configure({});
    rmSync(copy, { recursive: true });
    rmSync(target, { recursive: true, force: true });
  }
}

function flipByte(path: string): void {
  const bytes = readFileSync(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] as number) ^ 0x10;
  rmSync(path);
  writeFileSync(path, bytes);
}

const cut = (path: string) => {
  const bytes = readFileSync(path);
  rmSync(path);
  writeFileSync(path, bytes.subarray(0, bytes.length >> 1));
};

/** Finding for that file of `check --read-data`, which must fail. */
async function findingFor(copy: Damaged, path: string): Promise<Record<string, unknown>> {
  const result = await copy.run('check', '--read-data');
  expect(result.exitCode).toBe(1);
  const found = result.records.find(
    ({ type, name }) => type === 'check-finding' && basename(String(name)) === basename(path),
  );
  expect(found, result.stdout).toMatchObject({ severity: 'error' });
  return found as Record<string, unknown>;
}

async function rowsRestored(copy: Damaged, ...target: string[]): Promise<number> {
  const result = await copy.run('restore', '--to', copy.target, ...target);
  expect(result.exitCode, result.stdout).toBe(0);
  return await rowsIn(copy.target);
}

async function rowsIn(folder: string): Promise<number> {
  await using restored = await startStock(bin, folder);
  return (await restored.query('select count(*)::int as rows from ledger')).rows[0].rows;
}

const isoMinute = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/;

describe('damage in the repository', () => {
  it('none: both moments restore', async () => {
    await damaged(
      second.index,
      () => {},
      async (copy) => {
        expect((await copy.run('check', '--read-data')).exitCode).toBe(0);
        expect(await rowsRestored(copy)).toBe(rowsAtEnd);
      },
    );
  });

  it.each([
    ['with a changed byte', flipByte],
    ['that is missing', (path: string) => rmSync(path)],
    ['that was cut', cut],
  ])('a pack %s: named with the snapshot; what is older restores', async (_, damage) => {
    const pack = second.packs[0] as string;
    await damaged(pack, damage, async (copy) => {
      const finding = await findingFor(copy, pack);
      expect(finding.kind).toBe('pack');
      const affects = finding.affects as string[];
      expect(affects.length).toBeGreaterThan(0);
      for (const each of affects) {
        if (/^and \d+ more$/.test(each)) continue;
        expect(each).toContain(`snapshot ${basename(second.snapshot).slice(0, 8)} `);
        expect(each).toContain('database');
        expect(each).toMatch(isoMinute);
      }
      const latest = await copy.run('restore', '--to', copy.target);
      const told = latest.records.filter(({ type }) => type === 'error' || type === 'warning');
      expect(JSON.stringify(told)).toContain(basename(pack));
      expect(told[0]).toMatchObject({ hint: expect.any(String) });
      if (latest.exitCode === 0) {
        // The pack held the snapshot's description too, so it was passed over for the older one.
        expect(await rowsIn(copy.target)).toBe(rowsAtEnd);
      } else {
        expect(latest.exitCode, latest.stdout).toBe(1);
        expect(latest.records.at(-1)).toMatchObject({
          hint: expect.stringContaining('--snapshot'),
        });
        await expect(startStock(bin, copy.target)).rejects.toThrow('did not start');
      }
      rmSync(copy.target, { recursive: true });
      expect(await rowsRestored(copy, '--at', between)).toBe(rowsBetween);
      rmSync(copy.target, { recursive: true });
      expect(await rowsRestored(copy, '--snapshot', first)).toBe(rowsAtEnd);
    });
  });

  it.each([
    ['damaged', flipByte],
    ['missing', (path: string) => rmSync(path)],
  ])(
    'a %s index file: told, with what is affected; the older snapshot and the log restore everything',
    async (how, damage) => {
      await damaged(second.index, damage, async (copy) => {
        const check = await copy.run('check', '--read-data');
        expect(check.exitCode).toBe(1);
        const findings = check.records.filter(({ severity }) => severity === 'error');
        if (how === 'damaged') {
          expect(findings).toContainEqual(
            expect.objectContaining({ kind: 'index', name: basename(second.index) }),
          );
        }
        const affected = findings.flatMap(({ affects }) => affects as string[]).join();
        expect(affected).toContain(basename(second.snapshot).slice(0, 8));
        // The older snapshot and the log lead to the same state, and the user is told.
        const points = await copy.run('points');
        expect(points.records).toContainEqual(
          expect.objectContaining({
            type: 'warning',
            message: expect.stringMatching(
              how === 'damaged' ? basename(second.index) : /in no index/,
            ),
          }),
        );
        expect(await rowsRestored(copy)).toBe(rowsAtEnd);
      });
    },
  );

  it.each([
    ['damaged', flipByte],
    ['missing', (path: string) => rmSync(path)],
  ])(
    'a %s snapshot file: the other snapshot and the log lead to the same state',
    async (how, damage) => {
      await damaged(second.snapshot, damage, async (copy) => {
        if (how === 'damaged') {
          expect(await findingFor(copy, second.snapshot)).toMatchObject({ kind: 'snapshot' });
          const points = await copy.run('points');
          expect(points.exitCode, points.stdout).toBe(0);
          expect(points.records).toContainEqual(
            expect.objectContaining({
              type: 'warning',
              message: expect.stringContaining(basename(second.snapshot)),
            }),
          );
          expect(points.records.filter(({ type }) => type === 'snapshot')).toHaveLength(1);
          expect((await copy.run('backup')).exitCode).not.toBe(1);
        }
        expect(await rowsRestored(copy)).toBe(rowsAtEnd);
      });
    },
  );

  it('a damaged or missing key file is named', async () => {
    const [key] = filesOf('keys');
    await damaged(key as string, flipByte, async (copy) => {
      const result = await copy.run('check');
      expect(result.exitCode).toBe(1);
      expect(result.records.at(-1)).toMatchObject({
        code: 'repository.damaged',
        message: expect.stringContaining(basename(key as string)),
        hint: expect.any(String),
      });
    });
    await damaged(
      key as string,
      (path) => rmSync(path),
      async (copy) => {
        const result = await copy.run('check');
        expect(result.records.at(-1)).toMatchObject({
          code: 'repository.damaged',
          message: expect.stringContaining('no key file'),
          hint: expect.any(String),
        });
      },
    );
  });

  it('damaged files of the log: their spans are named, and nothing older passes for the latest', async () => {
    const log = filesOf('data', join(place.repositoryFolder, 'lifeboat'));
    const area = join(place.repositoryFolder, 'lifeboat/data');
    await damaged(
      area,
      (folder) => {
        for (const path of log) flipByte(join(folder, path.slice(area.length)));
      },
      async (copy) => {
        const check = await copy.run('check', '--read-data');
        expect(check.exitCode).toBe(1);
        const findings = check.records.filter(({ kind }) => kind === 'log');
        const spans = findings.flatMap(({ affects }) => affects as string[]);
        expect(spans.length).toBeGreaterThan(1);
        for (const span of spans.filter((each) => !each.includes(', file '))) {
          expect(span).toMatch(/^log database, stream 00000001, 0\/[0-9A-F]+ to 0\/[0-9A-F]+$/);
        }
        for (const target of [[], ['--at', between]]) {
          const latest = await copy.run('restore', '--to', copy.target, ...target);
          expect(latest.exitCode, latest.stdout).toBe(1);
          expect(latest.records.at(-1)).toMatchObject({ hint: expect.any(String) });
          rmSync(copy.target, { recursive: true, force: true });
        }
      },
    );
  });
});
