import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type LocalRepository,
  localRepository,
} from '../../../../test/support/local-repository.ts';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { need } from '../../../../test/support/skip.ts';
import { LifeboatError } from '../../../core/index.ts';
import type { Log } from '../../../repository/index.ts';
import { segmentName } from '../../../wal/index.ts';
import type { ArchiveOutcome } from '../../source.ts';
import { installArchive } from './archive-folder.ts';
import { serveArchive } from './archive-server.ts';
import { archiveCommand, clientScript, readyFolderName, restoreCommand } from './client-script.ts';

const size = 2 ** 20;
const system = 7_654_321_987_654_321n;
const nameOf = (number: number, timeline = 1) => segmentName(timeline, BigInt(number * size), size);

/** As far as the archive looks at it, a segment. */
function segment(number: number, systemId = system): Buffer {
  const bytes = randomBytes(size);
  bytes.writeUInt16LE(0xd113, 0);
  bytes.writeUInt16LE(2, 2);
  bytes.writeBigUInt64LE(BigInt(number * size), 8);
  bytes.writeBigUInt64LE(systemId, 24);
  bytes.writeUInt32LE(size, 32);
  return bytes;
}

let made: LocalRepository;
let log: Log;
let folder: string;
let data: string;
let outcomes: ArchiveOutcome[];
let stop: AbortController;
let serving: Promise<void>;

const patience = { timeout: 20_000 };
const inData = (...names: string[]) => join(data, ...names);
const inWal = (...names: string[]) => inData('pg_wal', ...names);

beforeEach(async () => {
  made = await localRepository();
  log = made.repository.log('shop');
  const outer = temporaryFolder("it's an archive");
  folder = join(outer, 'hand over');
  data = join(outer, 'data');
  for (const each of ['', 'global', 'pg_wal', 'pg_wal/archive_status']) mkdirSync(inData(each));
  const control = Buffer.alloc(8192);
  control.writeBigUInt64LE(system, 0);
  writeFileSync(inData('global/pg_control'), control);
  await installArchive(folder, undefined);
  serving = Promise.resolve();
});
afterEach(async () => {
  stop?.abort();
  await serving;
  await made[Symbol.asyncDispose]();
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

async function serve(served: Log = log): Promise<void> {
  outcomes = [];
  stop = new AbortController();
  const { signal } = stop;
  const onOutcome = (outcome: ArchiveOutcome) => outcomes.push(outcome);
  serving = serveArchive({ log: served, folder, signal, onOutcome });
  const beat = join(folder, 'beat');
  await expect
    .poll(() => existsSync(beat) && readFileSync(beat, 'utf8').startsWith(`${process.pid} `))
    .toBe(true);
}

/** As the server runs it. */
function command(text: string, name: string, path: string) {
  const filled = text.replaceAll('%f', name).replaceAll('%p', path);
  return new Promise<{ exit: number; said: string }>((resolve) => {
    execFile('/bin/sh', ['-c', filled], { cwd: data }, (error, _stdout, stderr) => {
      resolve({ exit: error === null ? 0 : Number(error.code), said: stderr });
    });
  });
}
const put = (name: string) => command(archiveCommand(folder), name, `pg_wal/${name}`);
const get = (name: string) => command(restoreCommand(folder), name, 'pg_wal/RECOVERYXLOG');

/** Only these members differ. */
function altered(members: Partial<Log>): Log {
  return new Proxy(log, {
    get: (target, name) => {
      const member: unknown = Reflect.get(members, name) ?? Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
const away = async () => {
  throw new LifeboatError('location.unreachable', 'the repository is away', { retryable: true });
};

describe('archive_command', () => {
  it('succeeds once the segment is in the log, and again; other content is refused', async () => {
    await serve();
    const bytes = segment(3);
    writeFileSync(inWal(nameOf(3)), bytes);
    expect(await put(nameOf(3))).toEqual({ exit: 0, said: '' });
    const [start, end] = [BigInt(3 * size), BigInt(4 * size)];
    expect(Buffer.from(await log.read('00000001', start, end)).equals(bytes)).toBe(true);
    expect(await put(nameOf(3))).toEqual({ exit: 0, said: '' });
    writeFileSync(inWal(nameOf(3)), segment(3));
    const refused = await put(nameOf(3));
    expect(refused.exit).toBe(1);
    expect(refused.said).toContain('lifeboat:');
    expect(outcomes.at(-1)?.error).toMatchObject({ code: 'log.conflict' });
    expect(Buffer.from(await log.read('00000001', start, end)).equals(bytes)).toBe(true);
  });

  it('takes histories, backup labels and the end of a timeline', async () => {
    await serve();
    for (const name of ['00000002.history', `${nameOf(3)}.00000028.backup`]) {
      writeFileSync(inWal(name), name);
      expect((await put(name)).exit).toBe(0);
      expect(Buffer.from((await log.readFile(name)) as Uint8Array).toString()).toBe(name);
    }
    writeFileSync(inWal('00000002.history'), 'another past');
    expect((await put('00000002.history')).exit).toBe(1);
    // No record in it is whole: nothing of it is of any history.
    writeFileSync(inWal(`${nameOf(3)}.partial`), segment(3));
    expect((await put(`${nameOf(3)}.partial`)).exit).toBe(0);
    expect(await log.coverage()).toEqual([]);
  });

  it('refuses a timeline that nothing says is of the cluster, and takes it once its history came', async () => {
    await serve();
    const archived = async (number: number, timeline: number) => {
      const name = nameOf(number, timeline);
      writeFileSync(inWal(name), segment(number));
      return await put(name);
    };
    // The first that is handed over may be the third of its cluster.
    expect((await archived(7, 3)).exit).toBe(0);
    expect((await archived(8, 3)).exit).toBe(0);
    const copy = await archived(9, 4);
    expect(copy.exit).toBe(1);
    expect(copy.said).toContain('00000004.history');
    expect(outcomes.at(-1)?.error).toMatchObject({ code: 'archive.refused' });
    expect((await log.coverage()).map(({ stream }) => stream)).toEqual(['00000003']);
    writeFileSync(inWal('00000004.history'), '3\t0/900000\tno recovery target specified\n');
    expect((await put('00000004.history')).exit).toBe(0);
    expect((await archived(9, 4)).exit).toBe(0);
  });

  it('refuses what is of another cluster, or not what its name says', async () => {
    await serve();
    writeFileSync(inWal(nameOf(1)), segment(1));
    expect((await put(nameOf(1))).exit).toBe(0);
    const wrong: Record<string, Buffer> = {
      [nameOf(2)]: segment(2, 1n),
      [nameOf(3)]: segment(4),
      [nameOf(5)]: segment(5).subarray(0, size - 1),
      [nameOf(6)]: randomBytes(size),
      'passwords.txt': Buffer.from('x'),
    };
    for (const [name, bytes] of Object.entries(wrong)) {
      writeFileSync(inWal(name), bytes);
      expect([name, (await put(name)).exit]).toEqual([name, 1]);
    }
    const control = readFileSync(inData('global/pg_control'));
    control.writeBigUInt64LE(5n, 0);
    writeFileSync(inData('global/pg_control'), control);
    writeFileSync(inWal('00000003.history'), 'x');
    expect((await put('00000003.history')).said).toContain('belongs to the cluster');
    expect(await log.coverage()).toHaveLength(1);
    expect(await log.fileNames()).toEqual(['cluster.json']);
  });

  it('does not read for an account what that may not read itself', async (context) => {
    need(context, process.getuid?.() === 0, 'not root');
    await serve();
    writeFileSync(inWal(nameOf(1)), segment(1));
    chownSync(inWal(nameOf(1)), 65534, 65534);
    expect((await put(nameOf(1))).said).toContain('does not belong to the account 0');
    const secret = join(folder, '../secret');
    writeFileSync(secret, 'secret');
    symlinkSync(secret, inWal('00000002.history'));
    expect((await put('00000002.history')).exit).toBe(1);
    expect(await log.fileNames()).not.toContain('00000002.history');
  });

  it('fails while nobody serves, and while the repository is away', async () => {
    writeFileSync(inWal(nameOf(1)), segment(1));
    expect(await put(nameOf(1))).toMatchObject({
      exit: 1,
      said: expect.stringContaining('lifeboat serve is not running'),
    });
    await serve(altered({ appendSegment: away }));
    expect(await put(nameOf(1))).toMatchObject({
      exit: 1,
      said: expect.stringContaining('the repository is away'),
    });
    stop.abort();
    await serving;
    await serve();
    expect((await put(nameOf(1))).exit).toBe(0);
  });

  it('is answered by the next process when the one that took the request dies', async () => {
    // A sign of life that never changes: the process was killed.
    writeFileSync(join(folder, 'beat'), '1 1\n');
    writeFileSync(inWal(nameOf(1)), segment(1));
    const waiting = put(nameOf(1));
    await expect.poll(() => readdirSync(join(folder, 'requests'))).toHaveLength(1);
    await serve();
    expect((await waiting).exit).toBe(0);
    expect(await log.coverage()).toHaveLength(1);
    writeFileSync(
      join(folder, 'client'),
      clientScript(folder, { silentMaxMs: 300, awayMaxMs: 300 }),
    );
    stop.abort();
    await serving;
    writeFileSync(join(folder, 'beat'), '1 1\n');
    expect((await put(nameOf(1))).said).toContain('does not answer');
    expect(readdirSync(join(folder, 'requests'))).toEqual([]);
  });

  it('goes on whatever lies among the requests, and takes few at a time', async () => {
    const requests = join(folder, 'requests');
    const ask = (id: string, name: string) => {
      const lines = [1, 'put', name, `pg_wal/${name}`, data, 'end', ''];
      writeFileSync(join(requests, id), lines.join('\n'));
    };
    const id = (number: number) => `put-${nameOf(number)}-1`;
    mkdirSync(join(requests, 'put-folder-1'));
    ask(`put-${'1'.repeat(240)}-12345`, nameOf(1));
    const numbers = [1, 2, 3, 4, 5, 6];
    for (const number of numbers) {
      writeFileSync(inWal(nameOf(number)), segment(number));
      ask(id(number), nameOf(number));
    }
    const begun: (() => void)[] = [];
    const appendSegment: Log['appendSegment'] = async (stream, start, bytes) => {
      await new Promise<void>((resolve) => begun.push(resolve));
      await log.appendSegment(stream, start, bytes);
    };
    await serve(altered({ appendSegment }));
    await expect.poll(() => begun.length, patience).toBe(4);
    const beat = () => readFileSync(join(folder, 'beat'), 'utf8');
    const seen = beat();
    await expect.poll(beat, patience).not.toBe(seen);
    expect(begun).toHaveLength(4);
    for (let done = 0; done < numbers.length; done += 1) {
      await expect.poll(() => begun.length, patience).toBeGreaterThan(done);
      begun[done]?.();
    }
    await expect
      .poll(() => readdirSync(join(folder, 'answers')).sort(), patience)
      .toEqual(numbers.map(id));
    expect((await log.coverage())[0]?.end).toBe(BigInt(7 * size));
  });

  it('stores what the server has marked ready before it asks', async () => {
    await serve();
    for (const number of [1, 2, 3]) {
      writeFileSync(inWal(nameOf(number)), segment(number));
      writeFileSync(inWal('archive_status', `${nameOf(number)}.ready`), '');
    }
    expect((await put(nameOf(1))).exit).toBe(0);
    await expect
      .poll(async () => (await log.coverage())[0]?.end, { timeout: 20_000 })
      .toBe(BigInt(4 * size));
    // What was stored ahead is not taken for what lies there now.
    rmSync(inWal(nameOf(2)));
    writeFileSync(inWal(nameOf(2)), segment(2));
    expect((await put(nameOf(2))).exit).toBe(1);
    expect((await put(nameOf(3))).exit).toBe(0);
  });
});

describe('restore_command', () => {
  const fetched = () => readFileSync(inWal('RECOVERYXLOG'));
  const segments = [0, 1, 2, 3, 4].map((number) => segment(number));
  const store = async (numbers: readonly number[]) => {
    for (const number of numbers) {
      await log.appendSegment('00000001', BigInt(number * size), segments[number] as Buffer);
    }
  };

  it('hands over what the log holds, and has the next ready', async () => {
    await store([1, 2, 3]);
    await log.appendFile('00000002.history', Buffer.from('history'));
    await serve();
    expect(await get('00000002.history')).toEqual({ exit: 0, said: '' });
    expect(fetched().toString()).toBe('history');
    expect((await get('00000003.history')).exit).toBe(1);
    expect((await get(nameOf(1))).exit).toBe(0);
    expect(fetched().equals(segments[1] as Buffer)).toBe(true);
    await expect.poll(() => existsSync(inWal(readyFolderName, nameOf(3)))).toBe(true);
    expect((await get(nameOf(2))).exit).toBe(0);
    expect(fetched().equals(segments[2] as Buffer)).toBe(true);
    // Neither before the first nor behind the last there is any: the end, for whoever recovers.
    for (const number of [0, 4]) expect((await get(nameOf(number))).exit).toBe(1);
    expect((await get(nameOf(1, 2))).exit).toBe(1);
    stop.abort();
    await serving;
    expect(readdirSync(inWal(readyFolderName))).toEqual([]);
  });

  it('fills the newest segment up, and gives a later answer when there is more', async () => {
    await store([1]);
    const newest = segments[2] as Buffer;
    await log.appendPiece('00000001', BigInt(2 * size), newest.subarray(0, 1000));
    await serve();
    expect((await get(nameOf(2))).exit).toBe(0);
    expect(fetched()).toHaveLength(size);
    expect(fetched().subarray(0, 1000).equals(newest.subarray(0, 1000))).toBe(true);
    expect(
      fetched()
        .subarray(1000)
        .every((byte) => byte === 0),
    ).toBe(true);
    await store([2]);
    expect((await get(nameOf(2))).exit).toBe(0);
    expect(fetched().equals(newest)).toBe(true);
  });

  it('stops a recovery at a gap, or when the repository is away; a standby asks again', async () => {
    await store([1, 3]);
    await serve();
    expect((await get(nameOf(1))).exit).toBe(0);
    const gap = await get(nameOf(2));
    expect(gap.exit).toBe(255);
    expect(gap.said).toContain('the log goes on behind the gap'.slice(4));
    writeFileSync(inData('standby.signal'), '');
    expect((await get(nameOf(2))).exit).toBe(1);
    rmSync(inData('standby.signal'));
    stop.abort();
    await serving;
    await serve(altered({ coverage: away }));
    expect((await get(nameOf(1))).exit).toBe(255);
  });

  it('does not take silence for the end of the log', async () => {
    writeFileSync(
      join(folder, 'client'),
      clientScript(folder, { silentMaxMs: 300, awayMaxMs: 300 }),
    );
    expect(await get(nameOf(1))).toMatchObject({
      exit: 255,
      said: expect.stringContaining('lifeboat serve is not running'),
    });
    rmSync(join(folder, 'client'));
    expect((await get(nameOf(1))).exit).toBe(255);
  });

  it('takes no answer that another process of its number was given', async () => {
    await store([1]);
    await serve();
    writeFileSync(join(folder, 'answers/old'), '40\n\n');
    // `exec` keeps the number.
    const stale =
      'mv "$0/answers/old" "$0/answers/get-%f-$$"; exec /bin/sh "$0/client" get %f "%p"';
    const run = stale.replaceAll('$0', folder);
    expect(await command(run, nameOf(1), 'pg_wal/RECOVERYXLOG')).toEqual({ exit: 0, said: '' });
    expect(fetched().equals(segments[1] as Buffer)).toBe(true);
  });

  it('is answered by the next process when the one that fetches stops, or dies', async () => {
    await store([1]);
    writeFileSync(
      join(folder, 'client'),
      clientScript(folder, { silentMaxMs: 100, awayMaxMs: 600_000 }),
    );
    let isAsked = false;
    const never: Log['read'] = (_stream, _start, _end, signal) => {
      isAsked = true;
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
      });
    };
    await serve(altered({ read: never }));
    const stopped = get(nameOf(1));
    await expect.poll(() => isAsked, patience).toBe(true);
    stop.abort();
    await serving;
    expect(readdirSync(join(folder, 'answers'))).toEqual([]);
    await serve();
    expect(await stopped).toEqual({ exit: 0, said: '' });
    stop.abort();
    await serving;
    // A sign of life that never changes: the process was killed.
    writeFileSync(join(folder, 'beat'), '1 1\n');
    rmSync(inWal('RECOVERYXLOG'));
    const died = get(nameOf(1));
    await expect.poll(() => readdirSync(join(folder, 'requests')), patience).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await serve();
    expect(await died).toEqual({ exit: 0, said: '' });
    expect(fetched().equals(segments[1] as Buffer)).toBe(true);
  });

  it('asks again when what was fetched is not there any more', async () => {
    await store([1]);
    await serve();
    expect((await get(nameOf(1))).exit).toBe(0);
    stop.abort();
    await serving;
    // Answered, and taken away by a process that stopped.
    writeFileSync(join(folder, 'beat'), '1 1\n');
    const asked = get(nameOf(1));
    await expect.poll(() => readdirSync(join(folder, 'requests')), patience).toHaveLength(1);
    const [id = ''] = readdirSync(join(folder, 'requests'));
    rmSync(join(folder, 'requests', id));
    writeFileSync(join(folder, 'answers', 'making'), `0\n${nameOf(1)}.asked\n`);
    renameSync(join(folder, 'answers', 'making'), join(folder, 'answers', id));
    await serve();
    expect((await asked).exit).toBe(0);
  });

  it('hands over to a data folder that was put in the place of another', async () => {
    const bytes = segment(2);
    await log.appendSegment('00000001', BigInt(2 * size), bytes);
    await serve();
    for (let round = 1; round <= 2; round++) {
      expect(await get(nameOf(2))).toEqual({ exit: 0, said: '' });
      expect(readFileSync(inWal('RECOVERYXLOG')).equals(bytes)).toBe(true);
      rmSync(inData('pg_wal'), { recursive: true });
      mkdirSync(inData('pg_wal'));
    }
  });

  it('writes for an account only where that may write itself', async (context) => {
    need(context, process.getuid?.() === 0, 'not root');
    await store([1]);
    await serve();
    const elsewhere = join(folder, '../elsewhere');
    mkdirSync(elsewhere);
    chownSync(elsewhere, 65534, 65534);
    symlinkSync(elsewhere, inWal(readyFolderName));
    expect((await get(nameOf(1))).exit).toBe(255);
    rmSync(inWal(readyFolderName));
    mkdirSync(inWal(readyFolderName));
    chownSync(inWal(readyFolderName), 65534, 65534);
    expect((await get(nameOf(1))).exit).toBe(255);
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});
