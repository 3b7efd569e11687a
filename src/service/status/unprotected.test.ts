import { expect, it } from 'vitest';
import type { SourceSetting } from '../../config/index.ts';
import type { RecoveryWindow } from '../../sources/index.ts';
import { whyUnprotected } from './unprotected.ts';

const streamed = { kind: 'postgres' } as unknown as SourceSetting;
const archived = { kind: 'postgres', archive: { only: true } } as unknown as SourceSetting;
const window = (toLsn: string) => ({ fromLsn: '0/3000148', toLsn }) as unknown as RecoveryWindow;
const hourMs = 3_600_000;

it('is a database none of whose backups can be read', () => {
  expect(whyUnprotected(streamed, undefined, 0)).toMatch(/none of its backups can be read/);
});

it('is one whose log comes by the archive alone, and none comes', () => {
  expect(whyUnprotected(archived, window('0/3000148'), 2 * hourMs)).toMatch(/archived nothing/);
  expect(whyUnprotected(archived, window('0/3000148'), hourMs / 2)).toBeUndefined();
  expect(whyUnprotected(archived, window('0/4000000'), 2 * hourMs)).toBeUndefined();
});

it('is none of which backups alone are made, by hand', () => {
  expect(whyUnprotected(streamed, window('0/3000148'), 2 * hourMs)).toBeUndefined();
});
