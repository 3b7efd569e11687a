import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProgressEvent } from '../../core/index.ts';
import { keyFromBytes } from '../crypto/key-derivation.ts';
import type { FileKind } from '../location/location.ts';
import { MemoryLocation } from '../location/memory-location.ts';
import { type RepositoryAccess, readStoredJson, writeStoredJson } from '../stored-file.ts';
import { decodeLock, encodeLock, type LockFile, ownLock } from './lock-file.ts';
import { RepositoryLock } from './repository-lock.ts';
import { unlock } from './unlock.ts';

const minuteMs = 60_000;
const deadPid = 2 ** 22 + 1;
let access: RepositoryAccess;

beforeEach(() => {
  const masterKey = keyFromBytes(randomBytes(64));
  access = { location: new MemoryLocation(), masterKey, version: 2 };
});

afterEach(() => {
  vi.useRealTimers();
});

const lockNames = async () => (await access.location.list('locks')).map(({ name }) => name);
const foreign = (changes: Partial<LockFile>) =>
  writeStoredJson(
    access,
    'locks',
    encodeLock({ ...ownLock(false), hostname: 'elsewhere', ...changes }),
  );

describe('lock', () => {
  it('is there while it is held and gone afterwards', async () => {
    const lock = await RepositoryLock.acquire(access, { exclusive: false });
    const [name] = (await lockNames()) as [string];
    const stored = decodeLock(await readStoredJson(access, 'locks', name));
    expect(stored).toMatchObject({ exclusive: false, hostname: hostname(), pid: process.pid });
    await lock[Symbol.asyncDispose]();
    expect(await lockNames()).toEqual([]);
  });

  it.each([
    { held: false, wanted: false, refused: false },
    { held: false, wanted: true, refused: true },
    { held: true, wanted: false, refused: true },
    { held: true, wanted: true, refused: true },
  ])('held exclusively $held, wanted exclusively $wanted: refused $refused', async (each) => {
    const held = await foreign({ exclusive: each.held });
    const acquiring = RepositoryLock.acquire(access, { exclusive: each.wanted });
    if (each.refused) {
      await expect(acquiring).rejects.toMatchObject({
        code: 'repository.locked',
        message: expect.stringContaining('elsewhere'),
      });
      expect(await lockNames()).toEqual([held]);
    } else await (await acquiring)[Symbol.asyncDispose]();
  });

  it('gives way when another one appeared while it was being written', async () => {
    const acquiring = RepositoryLock.acquire(access, { exclusive: true });
    while ((await lockNames()).length === 0) await new Promise((done) => setImmediate(done));
    const other = await foreign({});
    await expect(acquiring).rejects.toMatchObject({ code: 'repository.locked' });
    expect(await lockNames()).toEqual([other]);
  });

  it.each([
    ['older than 30 minutes', { time: new Date(Date.now() - 31 * minuteMs) }],
    ['of a process of this host that is gone', { hostname: hostname(), pid: deadPid }],
  ])('removes one that is %s, with a warning', async (_name, changes) => {
    await foreign({ exclusive: true, ...changes });
    const events: ProgressEvent[] = [];
    const progress = (event: ProgressEvent) => void events.push(event);
    await using _lock = await RepositoryLock.acquire(access, { exclusive: true, progress });
    expect(events).toMatchObject([{ type: 'warning' }]);
    expect(await lockNames()).toHaveLength(1);
  });

  it('leaves alone one that is 29 minutes old, or of a process that lives', async () => {
    await foreign({ time: new Date(Date.now() - 29 * minuteMs), pid: deadPid });
    await expect(RepositoryLock.acquire(access, { exclusive: true })).rejects.toThrow('locked');
    access = { ...access, location: new MemoryLocation() };
    await foreign({ hostname: hostname(), pid: process.ppid });
    await expect(RepositoryLock.acquire(access, { exclusive: true })).rejects.toThrow('locked');
  });

  it('leaves alone one of another container with the same host name', async () => {
    const held = { hostname: hostname(), pid: deadPid, operation: 'backup' };
    await foreign({ ...held, pidSpace: 'pid:[4026532999]' });
    await expect(RepositoryLock.acquire(access, { exclusive: true })).rejects.toThrow('locked');
  });

  it('treats one that cannot be read as held, and names it', async () => {
    const files = new Map([[`locks/${'ab'.repeat(32)}`, randomBytes(100) as Uint8Array]]);
    access = { ...access, location: new MemoryLocation({ files }) };
    await expect(RepositoryLock.acquire(access, { exclusive: false })).rejects.toMatchObject({
      code: 'repository.locked',
      message: expect.stringContaining('abab'),
    });
  });

  it('is replaced by a fresh one every five minutes', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    const lock = await RepositoryLock.acquire(access, { exclusive: false });
    const [first] = (await lockNames()) as [string];
    vi.advanceTimersByTime(5 * minuteMs);
    while ((await lockNames()).includes(first)) await new Promise((done) => setImmediate(done));
    const [second] = (await lockNames()) as [string];
    const stored = decodeLock(await readStoredJson(access, 'locks', second));
    expect(stored.time.getTime()).toBe(Date.now());
    lock.assertHeld();
    await lock[Symbol.asyncDispose]();
    expect(await lockNames()).toEqual([]);
  });

  it('is lost when it was removed, also after the time of its refresh', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    const lock = await RepositoryLock.acquire(access, { exclusive: false });
    await lock.confirmHeld();
    for (const name of await lockNames()) await access.location.remove('locks', name);
    await expect(lock.confirmHeld()).rejects.toMatchObject({ code: 'repository.locked' });
    vi.advanceTimersByTime(5 * minuteMs);
    await lock[Symbol.asyncDispose]();
    expect(await lockNames()).toEqual([]);
    await expect(lock.confirmHeld()).rejects.toMatchObject({ code: 'repository.locked' });
  });

  it('is lost when it could not be refreshed for 22.5 minutes', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    const lock = await RepositoryLock.acquire(access, { exclusive: false });
    vi.setSystemTime(Date.now() + 22 * minuteMs);
    lock.assertHeld();
    vi.setSystemTime(Date.now() + minuteMs);
    expect(() => lock.assertHeld()).toThrow('could not be refreshed');
    await lock[Symbol.asyncDispose]();
  });

  it('says what it is for, since when, and that it waits', async () => {
    const since = new Date(Date.now() - 20 * minuteMs);
    const held = await foreign({ exclusive: true, operation: 'prune', since });
    const events: ProgressEvent[] = [];
    const progress = (event: ProgressEvent) => {
      events.push(event);
      if (event.type === 'note') void access.location.remove('locks', held);
    };
    const wanted = `prune by process ${process.pid}`;
    const second = since.toISOString().slice(0, 19).replace('T', ' ');
    const options = { exclusive: false, operation: 'backup', waitMs: 20_000, progress };
    await using _lock = await RepositoryLock.acquire(access, options);
    expect(events.map(({ type }) => type)).toEqual(['begin', 'note', 'end']);
    const [, note] = events as [unknown, { message: string }];
    expect(note.message).toContain(wanted);
    expect(note.message).toContain(`elsewhere, since ${second} UTC; waiting for up to 20 s`);
    const [name] = (await lockNames()) as [string];
    const stored = decodeLock(await readStoredJson(access, 'locks', name));
    expect(stored).toMatchObject({ operation: 'backup', exclusive: false });
  });

  it('stops waiting when the time is over or the work is cancelled', async () => {
    await foreign({ exclusive: true });
    const options = { exclusive: false, waitMs: 300 };
    await expect(RepositoryLock.acquire(access, options)).rejects.toMatchObject({
      code: 'repository.locked',
    });
    const abort = new AbortController();
    const progress = (event: ProgressEvent) => void (event.type === 'note' && abort.abort());
    const { signal } = abort;
    const waiting = RepositoryLock.acquire(access, { ...options, waitMs: 1e6, progress, signal });
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('lock, where clocks differ', () => {
  /** A location with a clock of its own, `aheadMs` before ours. */
  class Clocked extends MemoryLocation {
    aheadMs = 0;
    readonly #written = new Map<string, number>();

    override async write(kind: FileKind, name: string, bytes: Uint8Array): Promise<void> {
      await super.write(kind, name, bytes);
      this.#written.set(name, Date.now() + this.aheadMs);
    }

    async modifiedAt(_kind: FileKind, name: string): Promise<Date | undefined> {
      const time = this.#written.get(name);
      return time === undefined ? undefined : new Date(time);
    }
  }

  let place: Clocked;
  let warnings: string[];
  const progress = (event: ProgressEvent) => {
    if (event.type === 'warning') warnings.push(event.message);
  };
  const acquire = async () => {
    await using _lock = await RepositoryLock.acquire(access, { exclusive: true, progress });
  };

  beforeEach(() => {
    place = new Clocked();
    access = { ...access, location: place };
    warnings = [];
  });

  it('says nothing where they agree', async () => {
    await acquire();
    expect(warnings).toEqual([]);
  });

  it.each([
    [7 * minuteMs, 'behind'],
    [-7 * minuteMs, 'ahead of'],
  ])('says how far ours is off: %i ms', async (aheadMs, side) => {
    place.aheadMs = aheadMs;
    await acquire();
    expect(warnings).toEqual([expect.stringContaining(`is 7m 0s ${side} that of memory`)]);
  });

  it('does not take a living lock for dead because its holder has a slow clock', async () => {
    const slow = new Date(Date.now() - 60 * minuteMs);
    const held = await foreign({ time: slow });
    await expect(acquire()).rejects.toMatchObject({
      code: 'repository.locked',
      message: expect.stringContaining('by the clock of the repository its lock is only'),
    });
    expect(await lockNames()).toEqual([held]);
  });

  it('removes one that is old by the clock of the location too', async () => {
    place.aheadMs = -40 * minuteMs;
    await foreign({ time: new Date(Date.now() - 40 * minuteMs) });
    place.aheadMs = 0;
    await acquire();
    expect(warnings).toEqual([expect.stringContaining('removed a stale lock')]);
    expect(await lockNames()).toEqual([]);
  });

  it('does not take a living lock for dead because our own clock is fast', async () => {
    // A server that tells its time, but not when a file was written.
    const now = async () => new Date(Date.now() - 40 * minuteMs);
    access = { ...access, location: Object.assign(new MemoryLocation(), { now }) };
    const held = await foreign({ time: new Date(Date.now() - 41 * minuteMs) });
    await expect(acquire()).rejects.toMatchObject({ code: 'repository.locked' });
    expect(warnings).toEqual([expect.stringContaining('is 40m 0s ahead of that of memory')]);
    expect(await lockNames()).toEqual([held]);
  });

  it('says so when a lock comes from the future', async () => {
    await foreign({ time: new Date(Date.now() + 90 * minuteMs) });
    const options = { exclusive: false, progress };
    await using _lock = await RepositoryLock.acquire(access, options);
    expect(warnings).toEqual([expect.stringContaining('is dated 1h 30m from now')]);
  });
});

describe('unlock', () => {
  it('removes what is stale, lists the rest, and takes all only when asked to', async () => {
    const dead = await foreign({ hostname: hostname(), pid: deadPid });
    const old = await foreign({ time: new Date(Date.now() - 31 * minuteMs) });
    const held = await foreign({ exclusive: true });
    expect((await unlock(access, { dryRun: true })).map(({ removed }) => removed)).toEqual([
      false,
      false,
      false,
    ]);
    const first = await unlock(access);
    expect(first.filter(({ removed }) => removed).map(({ name }) => name)).toEqual([dead, old]);
    expect(first.at(-1)).toMatchObject({ name: held, exclusive: true, isStale: false });
    expect(await lockNames()).toEqual([held]);
    await unlock(access, { removeAll: true });
    expect(await lockNames()).toEqual([]);
  });

  it('leaves everything but locks of dead processes of this host where only those are wanted', async () => {
    const dead = await foreign({ hostname: hostname(), pid: deadPid });
    const parent = await foreign({ hostname: hostname(), pid: process.ppid });
    // A clock that was set forward makes every lock look old.
    const old = await foreign({ time: new Date(Date.now() - 31 * minuteMs) });
    const found = await unlock(access, { onlyDead: true });
    expect(found.filter(({ removed }) => removed).map(({ name }) => name)).toEqual([dead]);
    expect((await lockNames()).toSorted()).toEqual([old, parent].toSorted());
  });

  it('removes the locks of a host that somebody says is gone, and of no other', async () => {
    await foreign({ hostname: 'lost-1', exclusive: true });
    const other = await foreign({ hostname: 'lost-2' });
    const parent = await foreign({ hostname: hostname(), pid: process.ppid });
    // A container of the same name has the same numbers again.
    await foreign({ hostname: hostname(), pid: process.pid });
    await unlock(access, { goneHost: 'lost-1' });
    expect(await lockNames()).toHaveLength(3);
    await unlock(access, { goneHost: hostname() });
    expect((await lockNames()).toSorted()).toEqual([other, parent].toSorted());
  });
});
