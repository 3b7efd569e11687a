import { describe, expect, it } from 'vitest';
import { judgeRescueRole } from './judge-role.ts';
import { judgeServer } from './judge-server.ts';
import type { ServerFacts } from './server-facts.ts';

const now = new Date('2026-11-21T12:00:00Z');
const good: ServerFacts = {
  version: 180_004,
  systemId: '7000000000000000001',
  inRecovery: false,
  receives: false,
  hotStandbyFeedback: false,
  walLevel: 'replica',
  walSendersMax: 10,
  walSendersUsed: 1,
  slotsMax: 10,
  slotsUsed: 1,
  fullPageWrites: true,
  fsync: true,
  checksums: true,
  archiveMode: 'off',
  archiverFails: false,
  summarizeWal: 'off',
  idleSlotLimitMs: 0,
  slotWalKeepMb: 1024,
  role: 'lifeboat',
  isSuperuser: false,
  mayReplicate: true,
  connectionLimit: -1,
  validUntil: null,
  mayMonitor: true,
  mayReadAll: true,
  tablesUnreadable: 0,
  tablesReadOnly: 0,
  closedDatabases: [],
  sizeBytes: 1e9,
  libraries: [],
  dataFolder: null,
  clock: now,
  slot: { type: 'physical', active: true, walStatus: 'reserved', heldBytes: 1e6, safeBytes: null },
};

describe('the judgement of a server', () => {
  it('finds nothing wrong with a good one', () => {
    const findings = judgeServer(good, 'lifeboat', now);
    expect(findings.filter((each) => each.outcome !== 'ok' || each.remedy !== '')).toEqual([]);
    expect(findings.length).toBeGreaterThan(8);
  });

  it.each<[Partial<ServerFacts>, string, 'warning' | 'problem']>([
    [{ version: 120_010 }, 'version', 'problem'],
    [{ mayReplicate: false }, 'replication right', 'problem'],
    [{ version: 190_000 }, 'version', 'problem'],
    [{ mayReadAll: false, tablesUnreadable: 3 }, 'reading tables', 'warning'],
    [{ mayMonitor: false }, 'monitoring', 'warning'],
    [{ connectionLimit: 2 }, 'connection limit', 'warning'],
    [{ validUntil: new Date('2026-11-30') }, 'password lifetime', 'warning'],
    [{ closedDatabases: ['hr'] }, 'databases', 'warning'],
    [{ walLevel: 'minimal' }, 'wal_level', 'problem'],
    [{ walSendersUsed: 9 }, 'max_wal_senders', 'problem'],
    [{ slotWalKeepMb: -1 }, 'max_slot_wal_keep_size', 'warning'],
    [{ fullPageWrites: false }, 'full_page_writes', 'problem'],
    [{ fsync: false }, 'fsync', 'warning'],
    [{ checksums: false }, 'checksums', 'warning'],
    [{ archiveMode: 'on', archiverFails: true }, 'archive_mode', 'warning'],
    [{ summarizeWal: 'on' }, 'summarize_wal', 'warning'],
    [{ idleSlotLimitMs: 60_000 }, 'idle_replication_slot_timeout', 'warning'],
    [{ inRecovery: true, hotStandbyFeedback: true }, 'standby', 'warning'],
    [{ inRecovery: true, receives: true }, 'hot_standby_feedback', 'warning'],
    [{ clock: new Date(now.getTime() - 60_000) }, 'clock', 'warning'],
    [{ slot: { ...(good.slot as object), walStatus: 'lost' } as never }, 'slot', 'problem'],
    [{ slot: { ...(good.slot as object), type: 'logical' } as never }, 'slot', 'problem'],
    [{ slot: { ...(good.slot as object), heldBytes: 9e9 } as never }, 'slot', 'warning'],
    [
      { slot: { ...(good.slot as object), heldBytes: 9e8, safeBytes: 1e8 } as never },
      'slot',
      'warning',
    ],
  ])('with %j finds %s a %s and says what to do', (difference, check, outcome) => {
    const wrong = judgeServer({ ...good, ...difference }, 'lifeboat', now).filter(
      (each) => each.outcome !== 'ok',
    );
    expect(wrong.map((each) => [each.check, each.outcome])).toEqual([[check, outcome]]);
    expect(wrong[0]?.remedy).not.toBe('');
  });

  it('finds that all slots are taken only when our own is not among them', () => {
    const { slot: _, ...without } = good;
    const full = { ...without, slotsUsed: 10 };
    const outcome = (facts: ServerFacts) =>
      judgeServer(facts, 'lifeboat', now).find((each) => each.check === 'max_replication_slots')
        ?.outcome;
    expect(outcome(full)).toBe('problem');
    expect(outcome({ ...full, slot: good.slot as NonNullable<ServerFacts['slot']> })).toBe('ok');
  });
});

describe('the judgement of the role that rescues', () => {
  it('is content with one that may write', () => {
    expect(judgeRescueRole(good)).toMatchObject({ check: 'rescue role', outcome: 'ok' });
  });

  it('warns of a standby', () => {
    const finding = judgeRescueRole({ ...good, inRecovery: true });
    expect(finding).toMatchObject({ outcome: 'warning', fact: expect.stringContaining('standby') });
  });

  it('warns of one that may only read, and says where to name another', () => {
    const finding = judgeRescueRole({ ...good, tablesReadOnly: 3 });
    expect(finding).toMatchObject({ check: 'rescue role', outcome: 'warning' });
    expect(finding.fact).toContain('3 tables');
    expect(finding.remedy).toContain('rescue: { connection:');
  });
});
