import { expect, it } from 'vitest';
import type { DamageReport } from '../../recovery/index.ts';
import { describeDamage } from './damage-text.ts';
import { createStyle } from './style.ts';

const style = createStyle({ isTTY: false } as NodeJS.WriteStream, {});
const looked = (found: object) => ({ looked: true, gaps: [], found });
const unseen = (why: string, hint: string) => ({ looked: false, why, hint });
const some = (count: number) => ({ files: count, bytes: count, examples: [] });
const time = '2026-11-26T23:04:46.000Z';

function text(change: object): string {
  const report = {
    verdict: 'damage-found',
    startTime: time,
    durationMs: 1000,
    configuration: 'shop',
    id: '0123456789abcdef',
    findings: [],
    lossTypes: [],
    sources: [],
    services: [],
    host: { name: 'web-1' },
    ...change,
  };
  return describeDamage(report as unknown as DamageReport, () => 'lifeboat', style);
}

function uploads(same: number, sampled = 0) {
  const files = looked({
    before: some(6),
    now: some(same),
    missing: some(6 - same),
    changed: some(0),
    added: some(0),
    same,
    sampled: { files: sampled, random: 0, wereRandom: 0 },
    snapshot: { id: '788b931d00000000', time },
  });
  return { sources: [{ name: 'uploads', kind: 'volume', files }] };
}

function database(counts: object) {
  const none = { same: 0, more: 0, fewer: 0, missing: 0, emptied: 0, new: 0, 'not-read': 0 };
  const tables = looked({ countedAt: time, counts: { ...none, ...counts }, tables: [] });
  return { sources: [{ name: 'database', kind: 'postgres', tables }] };
}

it('what is still there is no good news where nothing is', () => {
  expect(text(uploads(4))).toContain('✓ uploads: 4 files of 6 as in snapshot 788b931d, 0 new ones');
  expect(text(uploads(0))).toContain('✗ uploads: none of 6 files as in snapshot 788b931d');
  expect(text(database({ same: 1, missing: 1 }))).toContain(
    '✓ database: 1 table with no fewer rows than before',
  );
  expect(text(database({ missing: 2 }))).toContain('✗ database: no table has as many rows');
});

it('how files look is told of those that were read', () => {
  expect(text(uploads(4))).not.toContain('look random');
  expect(text(uploads(4, 2))).toContain('of 2 that were read 0 look random');
});

it('one remedy is told once', () => {
  const server = unseen('nobody answers', 'Start it.');
  const serverLog = unseen('there is no container', 'Start it.');
  const told = text({ sources: [{ name: 'database', kind: 'postgres', server, serverLog }] });
  expect(told.match(/Start it\./g)).toHaveLength(1);
});

it('a service that is not there is told of once', () => {
  const output = unseen('there is no compose service api', 'Make it again.');
  const service = (status: string) => ({
    services: [{ name: 'api', state: looked({ status, text: 'as it is' }), output }],
  });
  expect(text(service('absent'))).not.toContain('could not look');
  expect(text(service('stopped'))).toContain('? service api: output: there is no compose service');
});

it('a session that only connects has no name yet', () => {
  const session = { pid: 30, user: '', database: '', application: '', isWriting: false };
  const sessions = looked({
    total: 1,
    writing: 0,
    sessions: [{ ...session, state: 'starting', query: '' }],
  });
  const told = text({ sources: [{ name: 'database', kind: 'postgres', sessions }] });
  expect(told).toMatch(/^ {6}30: starting$/m);
});

it('a moment at which all was still well is said to be one', () => {
  const finding = { kind: 'files', severity: 'high', strength: 'certain', text: 'gone' };
  expect(text({ findings: [{ ...finding, since: time }] })).toMatch(/^ {6}still right at 2026-/m);
});

it('no damage found is not all there may be', () => {
  const found = { ...database({ same: 2 }), verdict: 'nothing-found' };
  expect(text(found)).toContain('✓ no damage found');
  expect(text(found)).toContain('columns that were dropped, values that were overwritten');
  expect(text(database({ same: 2 }))).not.toContain('does not show by itself');
  expect(text({ ...uploads(6), verdict: 'nothing-found' })).not.toContain('does not show');
});
