import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { embeddedPostgresBin, postgresBin } from '../support/programs.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

// Goal: a server that cannot be protected, and a recovery that cannot be done, are told with what to change, and
// nothing is left behind: no slot, no lock, no snapshot, no temporary folder, no server.

/** What a failed command must leave behind: nothing of it. */
function leftBehind(place: Installation): string[] {
  return [
    ...readdirSync(place.temporaryFolder),
    ...readdirSync(join(place.repositoryFolder, 'locks')).map((name) => `locks/${name}`),
    ...readdirSync(join(place.repositoryFolder, 'snapshots')).map((name) => `snapshots/${name}`),
  ];
}

async function slots(server: TestServer): Promise<unknown[]> {
  return (await server.query('select slot_name from pg_replication_slots')).rows;
}

describe.each(serversUnderTest('npm'))('$name:', ({ major, bin: programs }) => {
  const bin = programs ?? '';
  beforeEach((context) => void need(context, programs, `no PostgreSQL ${major}`));

  describe.each([
    ['without replication rights', {}, 'reader', 'postgres.no-replication', /REPLICATION/],
    [
      'with wal_level = minimal',
      { wal_level: 'minimal', max_wal_senders: '0' },
      'postgres',
      'postgres.wal-level',
      /wal_level = '?replica/,
    ],
  ] as const)('a server %s', (_, settings, role, code, remedy) => {
    let server: TestServer;
    let place: Installation;
    beforeAll(async () => {
      if (!programs) return;
      server = await startPostgres({ bin, major, settings });
      await server.query('create role reader login');
      const connection = server.url().replace('postgres@', `${role}@`);
      place = await installation({ connection, programs: bin });
    });
    afterAll(async () => {
      await place?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    it('is refused by backup, with what to change', async () => {
      const result = await place.run('backup');
      expect(result.exitCode, result.stdout).toBe(1);
      expect(result.records.at(-1)).toMatchObject({
        type: 'error',
        code,
        hint: expect.stringMatching(remedy),
      });
      expect(result.stderr).toBe('');
      expect(leftBehind(place)).toEqual([]);
      expect(await slots(server)).toEqual([]);
    });

    it('is an alarm of serve, which goes on and stops in order', async () => {
      const service = place.spawn('serve');
      const alarm = await untilRecord(
        service,
        ({ type, action }) => type === 'alarm' && String(action).startsWith('streaming'),
      );
      expect(alarm).toMatchObject({ source: 'database', hint: expect.stringMatching(remedy) });
      expect(await ended(service, 'SIGTERM')).toBe(0);
      expect(leftBehind(place)).toEqual([]);
      expect(await slots(server)).toEqual([]);
    });

    it('is a problem of doctor, with the same remedy', async () => {
      const result = await place.run('doctor');
      expect(result.exitCode).toBe(1);
      const problems = result.records.filter(({ outcome }) => outcome === 'problem');
      expect(problems).toContainEqual(
        expect.objectContaining({ remedy: expect.stringMatching(remedy) }),
      );
      expect(leftBehind(place)).toEqual([]);
    });
  });

  describe('a recovery that cannot be done', () => {
    let server: TestServer;
    let place: Installation;
    let window: Record<string, unknown>;
    let snapshots: string[];

    beforeAll(async () => {
      if (!programs) return;
      server = await startPostgres({ bin, major });
      place = await installation({ connection: server.url(), programs: bin });
      expect((await place.run('backup')).exitCode).toBe(0);
      const points = await place.run('points');
      window = points.records.find(({ type }) => type === 'window') as Record<string, unknown>;
      snapshots = readdirSync(join(place.repositoryFolder, 'snapshots'));
    });
    afterAll(async () => {
      await place?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    const target = () => join(place.folder, 'restored');
    async function expectRefusal(
      args: readonly string[],
      wanted: Record<string, unknown>,
    ): Promise<void> {
      for (const command of [['restore', '--to', target()], ['open']]) {
        const result = await place.run(command[0] as string, ...command.slice(1), ...args);
        expect(result.exitCode, result.stdout).toBe(1);
        expect(result.records.at(-1)).toMatchObject({ type: 'error', ...wanted });
        expect(result.stderr).toBe('');
        expect(existsSync(target())).toBe(false);
        expect(leftBehind(place)).toEqual(snapshots.map((name) => `snapshots/${name}`));
      }
    }

    it.each([
      ['before the first', '2020-01-01T00:00:00Z', () => String(window.from)],
      ['before the first', '0/1000', () => String(window.fromLsn)],
      ['after the last', 'FFFF/0', () => String(window.toLsn)],
    ])('a target %s moment (%s): the window is named', async (_, at, nearest) => {
      await expectRefusal(['--at', at], {
        code: 'target.outside-window',
        message: expect.stringContaining(nearest()),
        hint: expect.any(String),
      });
    });

    it('a time after the last commit: the last moment is named', async () => {
      await expectRefusal(['--at', 'now'], {
        code: 'target.outside-window',
        message: expect.stringMatching(/the last moment before it is \d{4}-/),
        hint: expect.stringContaining('latest'),
      });
    });

    it('a time to come is wrong usage', async () => {
      const result = await place.run('restore', '--to', target(), '--at', '2100-01-01T00:00:00Z');
      expect(result.exitCode).toBe(2);
      expect(result.records.at(-1)).toMatchObject({ message: expect.stringContaining('to come') });
    });

    it('a target folder that is not empty, or a file, stays as it is', async () => {
      mkdirSync(target());
      writeFileSync(join(target(), 'precious'), 'all I have');
      const result = await place.run('restore', '--to', target());
      expect(result.exitCode).toBe(1);
      expect(result.records.at(-1)).toMatchObject({
        code: 'target.not-empty',
        message: expect.stringContaining('precious'),
        hint: expect.stringContaining('empty folder'),
      });
      expect(readdirSync(target())).toEqual(['precious']);
      rmSync(target(), { recursive: true });
      writeFileSync(target(), 'a file');
      const file = await place.run('restore', '--to', target());
      expect(file.exitCode).toBe(1);
      expect(file.records.at(-1)).toMatchObject({
        code: 'target.not-empty',
        hint: expect.any(String),
      });
      rmSync(target());
    });

    it('server programs of another major version are refused before anything is written', async (context) => {
      const otherMajor = major === 15 ? 18 : 15;
      const other = need(context, postgresBin(otherMajor), `no PostgreSQL ${otherMajor}`);
      place.configure({ programs: other });
      await expectRefusal([], {
        code: 'postgres.wrong-major',
        message: expect.stringMatching(new RegExp(`${otherMajor}.*needs ${major}`)),
        hint: expect.stringContaining(`postgresql-${major}`),
      });
      const doctor = await place.run('doctor');
      expect(doctor.exitCode).toBe(1);
      expect(doctor.records).toContainEqual(
        expect.objectContaining({ check: 'server programs', outcome: 'problem' }),
      );
      place.configure({ programs: join(place.folder, 'nowhere') });
      await expectRefusal([], {
        code: 'postgres.no-programs',
        hint: expect.stringContaining(`${major}`),
      });
      place.configure({});
    });
  });
});

it('programs of 18 are refused for data of 15', async (context) => {
  const old = need(context, postgresBin(15), 'no PostgreSQL 15');
  await using server = await startPostgres({ bin: old, major: 15 });
  await using place = await installation({
    connection: server.url(),
    programs: embeddedPostgresBin(),
  });
  expect((await place.run('backup')).exitCode).toBe(0);
  const result = await place.run('restore', '--to', join(place.folder, 'restored'));
  expect(result.exitCode).toBe(1);
  expect(result.records.at(-1)).toMatchObject({
    code: 'postgres.wrong-major',
    message: expect.stringMatching(/18.*needs 15/),
    hint: expect.stringContaining('postgresql-15'),
  });
  expect(existsSync(join(place.folder, 'restored'))).toBe(false);
});
