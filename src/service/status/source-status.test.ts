import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Snapshot } from '../../repository/index.ts';
import { createSource, kindTag, sourceTag } from '../../sources/index.ts';
import { writeStreamNote } from '../stream-note.ts';
import type { SeenRepository } from './repository-status.ts';
import { sourceStatus } from './source-status.ts';

it('does not take a snapshot dated in the future for the last backup', async () => {
  const source = await createSource({ kind: 'files', name: 'documents', paths: ['/srv'] });
  const tags = [kindTag('files'), sourceTag('documents')];
  const taken = (id: string, time: string) =>
    ({ id, time: new Date(time), tags }) as unknown as Snapshot;
  const snapshots = [taken('aa', '2027-01-01T00:00:00Z'), taken('bb', '2026-11-20T02:00:00Z')];
  const place = {
    name: 'main',
    setting: { location: '/main' },
    snapshots,
  } as unknown as SeenRepository;
  const setting = { kind: 'files', paths: ['/srv'], repository: 'main', backup: '0 2 * * *' };
  const seen = await sourceStatus(source, setting as never, place, {
    now: new Date('2026-11-26T00:00:00Z'),
    proofs: { validForMs: 1 },
    integrity: {},
    stateFolder: '/nowhere',
  });
  expect(seen.lastBackup?.id).toBe('bb');
  expect(seen.overdueSince).toBeDefined();
  expect(seen.future).toBe(1);
});

it('says nothing of a stream that the archive has taken over from', async () => {
  const stateFolder = mkdtempSync(join(tmpdir(), 'lifeboat-status-'));
  await writeStreamNote(stateFolder, { source: 'shop', time: new Date(0), phase: 'stopped' });
  const source = await createSource({ kind: 'files', name: 'shop', paths: ['/srv'] });
  const place = { name: 'main', setting: { location: '/main' }, snapshots: [] };
  const look = (archive: object) =>
    sourceStatus(source, { kind: 'postgres', archive } as never, place as never, {
      now: new Date(),
      proofs: { validForMs: 1 },
      integrity: {},
      stateFolder,
    });
  expect((await look({})).stream).toMatchObject({ phase: 'stopped' });
  expect(await look({ only: true })).not.toHaveProperty('stream');
  rmSync(stateFolder, { recursive: true });
});
