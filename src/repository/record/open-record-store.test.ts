import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/postgres.ts';
import { LocalLocation } from '../location/local-location.ts';
import { MemoryLocation } from '../location/memory-location.ts';
import { randomKey } from '../log/log-contract.ts';
import { checkRecords } from './check-records.ts';
import { openRecordStore } from './open-record-store.ts';
import { testRecords } from './record-contract.ts';

for (const appendOnly of [false, true]) {
  testRecords(`memory${appendOnly ? ', append-only' : ''}`, async () => ({
    location: new MemoryLocation({ appendOnly }),
    appendOnly,
    async [Symbol.asyncDispose]() {},
  }));
}

testRecords('local', async () => {
  const folder = temporaryFolder('records');
  return {
    location: new LocalLocation(join(folder, 'repository')),
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

describe('records', () => {
  let folder: string;
  const key = randomKey();
  let files: Map<string, Uint8Array>;
  let location: MemoryLocation;
  beforeEach(() => {
    folder = temporaryFolder('records');
    files = new Map();
    location = new MemoryLocation({ files });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const open = (stateFolder?: string) => openRecordStore({ location, key, stateFolder });
  const audit = (body: unknown) => ({ kind: 'audit', source: '', body });

  it('keep one writer per state folder, with a key only its owner can read', async () => {
    const stateFolder = join(folder, 'state');
    const [first, other] = await Promise.all([
      open(stateFolder).append(audit(1)),
      open(stateFolder).append(audit(2)),
    ]);
    const second = await open(stateFolder).append(audit(3));
    expect(new Set([first.writer, other.writer, second.writer]).size).toBe(1);
    expect(second.sequence).toBeGreaterThan(first.sequence);
    expect(readdirSync(stateFolder)).toEqual(['writer-key.pem']);
    expect(statSync(join(stateFolder, 'writer-key.pem')).mode & 0o777).toBe(0o600);
    expect((await open().append(audit(4))).writer).not.toBe(first.writer);
    writeFileSync(join(stateFolder, 'writer-key.pem'), 'nonsense');
    await expect(open(stateFolder).append(audit(5))).rejects.toMatchObject({
      code: 'file.unreadable',
    });
  });

  it('are reported and skipped when damaged, and check says which', async () => {
    const store = open();
    const good = await store.append(audit('good'));
    const bad = await store.append(audit('bad'));
    const gone = await store.append(audit('gone'));
    const last = await store.append(audit('last'));
    const path = (id: string) => `lifeboat/snapshots/${id}`;
    const bytes = files.get(path(bad.id)) as Uint8Array;
    bytes[bytes.length >> 1]! ^= 1;
    files.delete(path(gone.id));
    const reported: string[] = [];
    const listed = await open().list({ onDamaged: (name) => reported.push(name) });
    expect(listed.map((each) => each.body)).toEqual(['good', 'last']);
    expect(reported).toEqual([bad.id]);
    const findings = await checkRecords({ location, key });
    expect(findings.map((each) => each.name).sort()).toEqual([bad.id, gone.id, good.writer].sort());
    expect(findings.find((each) => each.name === gone.id)?.affects).toEqual([`record ${last.id}`]);
  });

  it('cannot be swapped', async () => {
    const store = open();
    const [one, two] = [await store.append(audit(1)), await store.append(audit(2))];
    files.set(`lifeboat/snapshots/${one.id}`, files.get(`lifeboat/snapshots/${two.id}`)!);
    const reported: string[] = [];
    await open().list({ onDamaged: (name) => reported.push(name) });
    expect(reported).toEqual([one.id]);
  });
});
