import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LifeboatError } from '../core/index.ts';
import type { Repository } from '../repository/index.ts';
import type { BackupSummary, Source, SourceLog } from '../sources/index.ts';
import { RepositoryTurns } from './repository-turns.ts';
import type { ServiceEvent } from './service-event.ts';
import { SourceKeeper } from './source-keeper.ts';

const summary = { source: 'shop', snapshot: 'ab12', warnings: [] } as unknown as BackupSummary;

/** A source that does what a test wants and counts what was asked of it. */
function fakeSource(
  stream: (attempt: number, signal: AbortSignal) => Promise<void>,
  stored = { backups: 0, hasGap: false },
) {
  const calls = { backup: 0, stream: 0, renew: 0, catalog: 0 };
  const log: SourceLog = {
    stream: async ({ signal, onState }) => {
      calls.stream += 1;
      onState({ source: 'shop', phase: 'streaming', written: 1n });
      await stream(calls.stream, signal as AbortSignal);
    },
    renewStream: async () => {
      calls.renew += 1;
      return { timeline: 1, start: '0/2000000', end: '0/5000000' };
    },
    hasGapAfterBackup: async () => stored.hasGap,
    recordCatalog: async () => {
      calls.catalog += 1;
      return { databases: 1, drift: [] };
    },
    streamWarning: async () => undefined,
  };
  const source: Source & { readonly log: SourceLog } = {
    name: 'shop',
    kind: 'postgres',
    describe: () => 'shop',
    backup: async () => {
      calls.backup += 1;
      stored.backups += 1;
      stored.hasGap = false;
      return summary;
    },
    hasBackup: async () => stored.backups > 0,
    doctor: async () => [],
    log,
  };
  return { source, calls };
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });

async function keep(
  source: Source,
  isDone: (events: readonly ServiceEvent[], stateFolder: string) => boolean,
): Promise<readonly ServiceEvent[]> {
  const stop = new AbortController();
  const events: ServiceEvent[] = [];
  const repository = {} as Repository;
  const { signal } = stop;
  const place = { turns: new RepositoryTurns(() => {}), backedUp: () => {} };
  const schedule = undefined;
  const stateFolder = mkdtempSync(join(tmpdir(), 'lifeboat-keeper-'));
  const onEvent = (event: ServiceEvent) => {
    events.push(event);
    if (isDone(events, stateFolder)) stop.abort();
  };
  const work = { source, repository, place, schedule, stateFolder, signal, onEvent };
  try {
    await new SourceKeeper(work).run();
  } finally {
    rmSync(stateFolder, { recursive: true });
  }
  return events;
}

const backups = (events: readonly ServiceEvent[]) =>
  events.filter((event) => event.type === 'backup').length;

describe('the keeper of a source', () => {
  it('takes the first backup when there is none', async () => {
    const { source, calls } = fakeSource((_, signal) => untilAborted(signal));
    await keep(source, (events) => backups(events) === 1);
    expect(calls).toMatchObject({ backup: 1, stream: 1, renew: 0 });
  });

  it('takes one at once when the log has a gap after the last', async () => {
    const stored = { backups: 1, hasGap: true };
    const { source, calls } = fakeSource((_, signal) => untilAborted(signal), stored);
    const events = await keep(source, (all) => backups(all) === 1);
    expect(calls.backup).toBe(1);
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'backup-started',
        reason: 'the log has a gap after the last one',
      }),
    );
  });

  it('takes none when the log goes on from the last', async () => {
    const stored = { backups: 1, hasGap: false };
    const isAsked = Promise.withResolvers<void>();
    const { source, calls } = fakeSource(async () => {
      await isAsked.promise;
      throw new LifeboatError('postgres.refused', 'enough');
    }, stored);
    const asked = {
      ...source,
      log: {
        ...source.log,
        hasGapAfterBackup: async () => {
          setImmediate(isAsked.resolve);
          return stored.hasGap;
        },
      },
    };
    await keep(asked, (all) => all.some((event) => event.type === 'alarm'));
    expect(calls.backup).toBe(0);
  });

  it('answers a lost slot with an alarm, a new slot and a new backup', async () => {
    const { source, calls } = fakeSource(async (attempt, signal) => {
      if (attempt === 1) throw new LifeboatError('postgres.slot-lost', 'the slot is lost');
      await untilAborted(signal);
    });
    const events = await keep(source, () => calls.stream === 2 && calls.backup === 2);
    expect(calls).toMatchObject({ renew: 1 });
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'log-gap', fromLsn: '0/2000000', toLsn: '0/5000000' }),
    );
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'alarm', code: 'postgres.slot-lost' }),
    );
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'backup-started', reason: 'the log has a gap' }),
    );
  });

  it('begins a failed stream again, and notes for `status` when', async () => {
    const { source, calls } = fakeSource(async (attempt, signal) => {
      if (attempt === 1) throw new LifeboatError('postgres.refused', 'no');
      await untilAborted(signal);
    });
    let note = '';
    await keep(source, (events, stateFolder) => {
      if (events.at(-1)?.type === 'alarm')
        note = readFileSync(join(stateFolder, 'stream', 'shop.json'), 'utf8');
      return calls.stream === 2;
    });
    expect(calls.stream).toBe(2);
    const { time, nextTry, ...rest } = JSON.parse(note) as Record<string, string>;
    expect(rest).toMatchObject({ phase: 'stopped', problem: 'no' });
    expect(Date.parse(String(nextTry)) - Date.parse(String(time))).toBe(1000);
  });

  it('stops at once, without an alarm, when it is told to', async () => {
    const { source } = fakeSource(async (_, signal) => {
      await untilAborted(signal);
      throw new LifeboatError('cancelled', 'cancelled');
    });
    const events = await keep(source, (all) => all.some((event) => event.type === 'stream'));
    expect(events.filter((event) => event.type === 'alarm')).toEqual([]);
  });
});
