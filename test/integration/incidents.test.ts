import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ask } from '../../src/cli/command.ts';
import { incident } from '../../src/cli/commands/incident.ts';
import { quietOutput } from '../../src/cli/output/quiet.ts';
import { lifeboatInProcess } from '../support/in-process.ts';
import { temporaryFolder } from '../support/postgres.ts';

let folder: string;
const environment = () => ({
  LIFEBOAT_CACHE_FOLDER: 'off',
  HOME: folder,
  XDG_STATE_HOME: join(folder, 'default-state'),
  SHOP_PASSWORD: 'sesame-open-yourself',
});
const run = (...args: string[]) => lifeboatInProcess(args, environment(), folder);
const json = async (...args: string[]) => {
  const result = await run('--json', ...args);
  return { ...result, last: result.records.at(-1) ?? {} };
};

beforeAll(async () => {
  folder = temporaryFolder('incidents');
  mkdirSync(join(folder, 'uploads'));
  writeFileSync(join(folder, 'uploads', 'letter'), 'Dear Ada');
  writeFileSync(
    join(folder, 'lifeboat.yaml'),
    `name: shop
state: ./state
repositories: { main: { location: ./repository, password: { env: SHOP_PASSWORD } } }
sources:
  uploads: { kind: files, paths: [./uploads] }
  trial: { kind: files, paths: [./uploads], environment: staging }
`,
  );
  const made = await run('init', '-r', 'main');
  expect(made.exitCode, made.stderr).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('lifeboat incident', () => {
  it('leads through an incident, and what other commands do enters it', async () => {
    expect((await run('incident', 'list')).stdout).toContain('No incident is open.');
    const opened = await json('incident', 'open', 'uploads', 'are', 'gone', '--extent', 'complete');
    expect(opened.last).toMatchObject({
      type: 'incident-opened',
      title: 'uploads are gone',
      severity: 'P0',
      status: 'investigating',
    });
    const id = opened.last.id as string;
    expect((await run('incident', 'status')).stdout).toContain(
      'lifeboat freeze --severity P0    # in production nobody writes while its data is replaced',
    );
    expect((await run('incident', 'note', 'the password is sesame-open-yourself')).exitCode).toBe(
      0,
    );
    expect((await run('backup', 'uploads')).exitCode).toBe(0);
    expect((await run('backup', 'nothing')).exitCode).toBe(2);
    expect((await run('snapshots')).exitCode).toBe(0);
    await run('key', 'list');
    const shown = await json('incident', 'show');
    const entries = shown.records.filter(({ type }) => type === 'incident-entry');
    expect(entries.map(({ event, text }) => `${event}: ${text}`)).toEqual([
      'incident.opened: opened as P0: uploads are gone',
      'incident.note: the password is [secret]',
      'command.started: ran: lifeboat backup uploads',
      'command.ended: done: lifeboat backup uploads',
      'command.started: ran: lifeboat backup nothing',
      expect.stringMatching(/^command.ended: failed \(.*"nothing".*\): lifeboat backup nothing$/),
    ]);
    expect(entries[3]).toMatchObject({ data: { command: 'backup', exitCode: 0 } });
    expect(entries[3]?.durationMs).toBeGreaterThan(0);

    const updated = await json(
      ...['incident', 'update', 'restoring', '--status', 'recovering', '--severity', 'SEV2'],
      ...['--source', 'uploads', '--done', 'scope', '--next-update', '20m'],
    );
    expect(updated.last).toMatchObject({
      severity: 'P1',
      status: 'recovering',
      sources: ['uploads'],
    });
    expect((await run('incident', 'assign', 'anna', 'ben')).exitCode).toBe(0);
    const status = await run('incident', 'status', id.slice(9));
    expect(status.stdout).toMatch(/^P1 high uploads are gone {2}\d{8}-[0-9a-f]{6}\n/);
    expect(status.stdout).toContain('anna leads, with ben');
    expect(status.stdout).toMatch(/next news +within (19m|20m)/);
    expect(status.stdout).toContain('1 of 27 done');
    expect(status.stdout).toContain('all of it in the repository main');
    // One screen.
    expect(status.stdout.split('\n').length).toBeLessThanOrEqual(24);

    const closed = await json('incident', 'close', '--summary', 'rm -rf; nothing was lost');
    expect(closed.last).toMatchObject({ status: 'closed', summary: 'rm -rf; nothing was lost' });
    expect((await run('incident', 'note', 'late')).exitCode).toBe(1);
    expect((await json('incident', 'list', '--all')).records).toMatchObject([{ id }]);
    expect((await json('incident', 'verify', id)).last).toMatchObject({
      isWhole: true,
      findings: 0,
    });
  });

  it('goes on while the repository is away, says what is not there, and another host reads it all later', async () => {
    renameSync(join(folder, 'repository'), join(folder, 'away'));
    const opened = await json('incident', 'open', 'the disk is gone', '--severity', 'P1');
    expect(opened.exitCode, opened.stdout).toBe(0);
    const id = opened.last.id as string;
    writeFileSync(join(folder, 'dmesg.txt'), 'I/O error, dev sdb\n');
    await run('incident', 'note', 'nothing answers', '--attach', 'dmesg.txt');
    const attached = await run('incident', 'show', '--attachment', 'dmesg.txt', '--offline');
    expect(attached.stdout).toBe('I/O error, dev sdb\n');
    const status = await run('incident', 'status');
    expect(status.stdout).toContain(
      '2 entries are not in the repository main yet (there is no repo',
    );
    expect((await json('incident', 'verify')).exitCode).toBe(3);
    renameSync(join(folder, 'away'), join(folder, 'repository'));
    expect((await run('incident', 'status')).stdout).toContain('all of it in the repository main');

    // Another host, with a state folder of its own; address and password come from the environment.
    const bare = temporaryFolder('bare');
    const configuration = readFileSync(join(folder, 'lifeboat.yaml'), 'utf8');
    writeFileSync(join(bare, 'lifeboat.yaml'), configuration.replace('./repository', './none'));
    const LIFEBOAT_REPOSITORY = join(folder, 'repository');
    const LIFEBOAT_PASSWORD = 'sesame-open-yourself';
    const elsewhere = { ...environment(), LIFEBOAT_REPOSITORY, LIFEBOAT_PASSWORD };
    const command = ['--json', 'incident', 'status', id];
    const there = await lifeboatInProcess(command, elsewhere, bare);
    rmSync(bare, { recursive: true });
    expect(there.exitCode, there.stdout).toBe(0);
    expect(there.records.at(-1)).toMatchObject({ type: 'incident', id, entries: 2 });
    await run('incident', 'close', id, '--summary', 'a cable');
  });

  it('shows that an entry was changed, by name, with exit code 1', async () => {
    const { last } = await json('incident', 'open', 'x', '--severity', 'P3', '--offline');
    const id = last.id as string;
    const place = join(folder, 'state', 'incidents', id, 'entries');
    const file = join(place, readdirSync(place)[0] as string);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('opened as P3', 'opened as P2'));
    const tampered = await json('incident', 'verify', id, '--offline');
    // The opening is not there any more: the incident is not known here.
    expect(tampered.exitCode).toBe(1);
    writeFileSync(file, text);
    await run('incident', 'note', 'y', '--offline');
    const second = join(place, readdirSync(place)[1] as string);
    writeFileSync(second, readFileSync(second, 'utf8').replace('"y"', '"z"'));
    const verified = await json('incident', 'verify', id, '--offline');
    expect(verified.exitCode).toBe(1);
    expect(verified.records[0]).toMatchObject({
      type: 'incident-finding',
      place: 'this host',
      kind: 'changed',
    });
    expect((await run('incident', 'verify', id, '--offline')).stdout).toContain(
      '✗ this host: changed',
    );
    await run('incident', 'close', id, '--summary', 'x', '--offline');
  });

  it('works on a bare machine, with nothing but a state folder', async () => {
    const bare = temporaryFolder('bare');
    const environment = { HOME: bare, XDG_STATE_HOME: join(bare, 'state'), LIFEBOAT_CONFIG: '' };
    // As root the default is this one, whatever the environment says: it is left as it was.
    const asRoot = '/var/lib/lifeboat';
    const before = existsSync(asRoot) ? readdirSync(asRoot) : [];
    const command = ['--json', 'incident', 'open', '--title', 'gone'];
    const opened = await lifeboatInProcess(command, environment, bare);
    const { id = 'none' } = (opened.records.at(-1) ?? {}) as { id?: string };
    rmSync(join(asRoot, 'incidents', id), { recursive: true, force: true });
    const hadKey = before.includes('writer-key.pem');
    if (!hadKey) rmSync(join(asRoot, 'writer-key.pem'), { force: true });
    rmSync(bare, { recursive: true });
    expect(opened.exitCode, opened.stdout).toBe(0);
    expect(opened.records.at(-1)).toMatchObject({ severity: 'P1', sources: [] });
  });

  it('asks for what it needs, again when nothing or a wrong name is typed, with a severity that follows extent and source', async () => {
    const asked: string[] = [];
    const ask: Ask = {
      secret: () => Promise.reject(new Error('no secret is asked for')),
      async text(question, initial) {
        asked.push(question);
        const answers = question.startsWith('Affected') ? ['trail', 'trial'] : ['  ', undefined];
        const again = asked.filter((each) => each === question).length;
        return answers[again - 1] ?? initial ?? 'trial files are gone';
      },
      async choose(question, options, initial) {
        asked.push(question);
        const wanted = question.startsWith('How much') ? 'complete' : initial;
        expect(options.map(({ value }) => value)).toContain(wanted);
        return wanted as typeof initial;
      },
    };
    const records: unknown[] = [];
    const output = { ...quietOutput, report: (record: unknown) => void records.push(record) };
    const { signal } = new AbortController();
    const context = {
      output,
      signal,
      environment: environment(),
      folder,
      configFile: undefined,
      ask,
    };
    await incident.run({ arguments: ['open'], options: {} }, context);
    expect(asked).toEqual([
      'What happened, in a few words?',
      'What happened, in a few words?',
      expect.stringContaining('uploads, trial'),
      expect.stringContaining('uploads, trial'),
      'How much is lost, as far as you know?',
      'How severe is it?',
      'What kind of loss is it?',
    ]);
    expect(records).toMatchObject([
      { title: 'trial files are gone', severity: 'P2', extent: 'complete', sources: ['trial'] },
    ]);
    await run('incident', 'close', '--summary', 'x');
  });

  it('refuses what makes no sense, and says what would', async () => {
    const refused = async (...args: string[]) => {
      const { exitCode, last } = await json('incident', ...args);
      return `${exitCode} ${last.message}`;
    };
    expect(await refused('open')).toBe('2 the incident has no title');
    expect(await refused('open', 'x', '--severity', 'P9')).toBe('2 --severity "P9" is none');
    expect(await refused('open', 'x', '--source', 'nope')).toBe('2 there is no source "nope"');
    expect(await refused('open', 'x', '--loss-type', 'bad')).toBe('2 --loss-type "bad" is none');
    expect(await refused('bake')).toBe('2 unknown action "bake"');
    expect(await refused('note', 'x')).toBe('1 no incident is open');
    await run('incident', 'open', 'x', '--severity', 'P3');
    expect(await refused('note')).toBe('2 the note is empty');
    expect(await refused('update')).toBe('2 nothing is said that changed');
    expect(await refused('update', '--status', 'closed')).toBe('2 --status "closed" is none');
    expect(await refused('update', '--done', 'no')).toBe('2 the checklist has no item "no"');
    expect(await refused('assign')).toBe('2 nobody is named');
    expect(await refused('close')).toBe('2 nothing says what it was');
    expect(await refused('status', 'x', '--incident', 'y')).toBe('2 the incident is named twice');
    expect(await refused('verify', '--accept', 'zz')).toBe('2 0 keys begin with zz');
    await run('incident', 'close', '--summary', 'x');
  });
});
