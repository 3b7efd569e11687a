import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LifeboatError } from '../../core/index.ts';
import type { FileKind, Location } from '../location/location.ts';
import { LocationDecorator } from '../location/location-decorator.ts';
import { MemoryLocation } from '../location/memory-location.ts';
import { randomKey } from '../log/log-contract.ts';
import { NestedArea } from '../log/nested-area.ts';
import { noPrevious } from '../log/nested-header.ts';
import { checkRecords } from './check-records.ts';
import { copyRecords } from './copy-records.ts';
import { openRecordStore } from './open-record-store.ts';
import { RecordIndex } from './record-index.ts';
import { encodeRecordIndex, type IndexedRecord } from './record-index-file.ts';

interface Calls {
  reads: number;
  lists: number;
}

/** Counts what is asked of the place, and refuses what `refuses` names. */
class CountingLocation extends LocationDecorator {
  readonly calls: Calls;
  refuses: (call: string, kind: FileKind) => boolean = () => false;

  constructor(inner: Location, calls: Calls = { reads: 0, lists: 0 }) {
    super(inner);
    this.calls = calls;
  }

  override list(...args: Parameters<Location['list']>) {
    this.calls.lists++;
    return super.list(...args);
  }

  override read(...args: Parameters<Location['read']>) {
    this.calls.reads++;
    return super.read(...args);
  }

  override async write(...args: Parameters<Location['write']>) {
    if (this.refuses('write', args[0])) throw refusal();
    await super.write(...args);
  }

  override async remove(...args: Parameters<Location['remove']>) {
    if (this.refuses('remove', args[0])) throw refusal();
    await super.remove(...args);
  }

  protected around(inner: Location): Location {
    const around = new CountingLocation(inner, this.calls);
    around.refuses = (call, kind) => this.refuses(call, kind);
    return around;
  }
}

function refusal() {
  return new LifeboatError('location.refused', 'no');
}

const key = randomKey();
const many = 2000;
const bodyOf = (n: number) => ({ kind: n % 500 === 7 ? 'proof' : 'audit', source: '', body: n });
const isIndex = (path: string) => path.startsWith('lifeboat/keys/');

let appended: ReadonlyMap<string, Uint8Array>;
let appending: Calls;
let files: Map<string, Uint8Array>;
let location: CountingLocation;

const open = () => openRecordStore({ location, key });
const indexPaths = () => [...files.keys()].filter(isIndex);
const check = () => checkRecords({ location, key });

async function appendAll(count: number): Promise<void> {
  const store = open();
  for (let n = 0; n < count; n++) await store.append(bodyOf(n));
}

/** An index file as whoever has the key could write it. */
async function forge(records: readonly IndexedRecord[]): Promise<void> {
  const header = { kind: 'recordIndex', level: 1, log: '', part: '', position: 0n } as const;
  const payload = encodeRecordIndex({ records, supersedes: [] });
  const area = new NestedArea(location, key);
  await area.write('keys', { ...header, previous: noPrevious }, payload);
}

async function entries(): Promise<IndexedRecord[]> {
  const index = new RecordIndex(new NestedArea(location, key));
  await index.refresh();
  return [...index.entries.values()];
}

beforeAll(async () => {
  files = new Map();
  location = new CountingLocation(new MemoryLocation({ files }));
  await appendAll(many);
  appended = files;
  appending = location.calls;
}, 120_000);

beforeEach(() => {
  files = new Map(appended);
  location = new CountingLocation(new MemoryLocation({ files }));
});

describe('the index of records', () => {
  it('spares reading them: of 2,000 those of a kind cost some files', async () => {
    const proofs = await open().list({ kind: 'proof' });
    expect(proofs.map(({ body }) => body)).toEqual([7, 507, 1007, 1507]);
    expect(location.calls.reads).toBeLessThan(100);
    expect(location.calls.lists).toBeLessThan(4);
  });

  it('is written as they are appended, which looks at them only now and then', () => {
    expect(appending.lists).toBeLessThan(many / 16);
    expect(appending.reads).toBeLessThan(many / 16);
    expect([...appended.keys()].filter(isIndex).length).toBeLessThan(12);
  });

  it('says what they say', async () => {
    expect((await open().list()).map(({ body }) => body)).toEqual([...Array(many).keys()]);
    const next = await open().append(bodyOf(many));
    expect(next.heads).toHaveLength(1);
    expect(await check()).toEqual([]);
  });

  it('is a lost shortcut when it is gone or damaged, and made anew', async () => {
    const [first = '', second = ''] = indexPaths().sort(
      (a, b) => files.get(b)!.length - files.get(a)!.length,
    );
    const bytes = Buffer.from(files.get(first)!);
    bytes[bytes.length >> 1]! ^= 1;
    files.set(first, bytes);
    files.delete(second);
    expect(await open().list({ kind: 'proof' })).toHaveLength(4);
    expect(await check()).toMatchObject([
      { name: first.slice('lifeboat/'.length), severity: 'hint', affects: [] },
    ]);
    await open().append(bodyOf(0));
    expect(await check()).toEqual([]);
    location.calls.reads = 0;
    expect(await open().list({ kind: 'proof' })).toHaveLength(4);
    expect(location.calls.reads).toBeLessThan(100);
  });

  it('is found out when it contradicts a record, and believed no more', async () => {
    const known = await entries();
    for (const path of indexPaths()) files.delete(path);
    const audit = known.find(({ facts }) => facts.kind === 'audit') as IndexedRecord;
    const lies = known.map((each) =>
      each === audit ? { ...each, facts: { ...each.facts, kind: 'proof' } } : each,
    );
    await forge(lies);
    expect(await check()).toMatchObject([{ name: audit.facts.id, severity: 'error' }]);
    const store = open();
    expect((await store.list({ kind: 'proof' })).map(({ body }) => body)).toEqual([
      7, 507, 1007, 1507,
    ]);
    await store.append(bodyOf(0));
    expect(await check()).toEqual([]);
  });

  it('tells of a record that was removed, though no other had seen it', async () => {
    const store = open();
    for (let n = 0; n < 64; n++) await store.append(bodyOf(n));
    const last = (await entries()).reduce((a, b) => (a.facts.time > b.facts.time ? a : b));
    const newest = (await open().list()).at(-1);
    for (const id of new Set([last.name, newest?.id])) files.delete(`lifeboat/snapshots/${id}`);
    const findings = await check();
    expect(findings.map(({ name }) => name)).toContain(last.name);
  });

  it('loses nothing where it cannot be written, nor where nothing can be removed', async () => {
    files = new Map();
    location = new CountingLocation(new MemoryLocation({ files }));
    location.refuses = (call, kind) => call === 'write' && kind === 'keys';
    await appendAll(70);
    expect(indexPaths()).toEqual([]);
    location.refuses = (call) => call === 'remove';
    await appendAll(640);
    expect(await check()).toEqual([]);
    expect(indexPaths().length).toBeGreaterThan(8);
    location.calls.reads = 0;
    expect(await open().list({ kind: 'none' })).toEqual([]);
    // Those that are superseded are not read.
    const readOfIndex = location.calls.reads - (710 - (await entries()).length);
    expect(readOfIndex).toBeLessThan(indexPaths().length / 2);
    // Who may remove tidies up what the others left.
    location.refuses = () => false;
    await appendAll(64);
    expect(indexPaths().length).toBeLessThan(4);
    expect(await check()).toEqual([]);
  });

  it('stays true when several write it at once', async () => {
    files = new Map();
    location = new CountingLocation(new MemoryLocation({ files }));
    await Promise.all([appendAll(200), appendAll(200), appendAll(200)]);
    expect(await check()).toEqual([]);
    expect(await open().list()).toHaveLength(600);
    location.calls.reads = 0;
    expect(await open().list({ kind: 'none' })).toEqual([]);
    expect(location.calls.reads).toBeLessThan(220);
  });

  it('is made anew in a copy, under the other key', async () => {
    const there = { location: new CountingLocation(new MemoryLocation()), masterKey: randomKey() };
    const problems: string[] = [];
    const copied = await copyRecords({
      from: { location, masterKey: key },
      to: there,
      dryRun: false,
      onProblem: (problem) => problems.push(problem),
    });
    expect([copied, problems]).toEqual([many, []]);
    there.location.calls.reads = 0;
    const copy = openRecordStore({ location: there.location, key: there.masterKey });
    expect(await copy.list({ kind: 'proof' })).toEqual(await open().list({ kind: 'proof' }));
    expect(there.location.calls.reads).toBeLessThan(100);
    expect(await checkRecords({ location: there.location, key: there.masterKey })).toEqual([]);
  });

  it('lets those since a moment be listed, with the last one before', async () => {
    const all = await open().list({ kind: 'audit' });
    const moment = all[1500]!.time;
    const first = all.findIndex(({ time }) => time >= moment);
    expect(await open().list({ kind: 'audit', since: moment })).toEqual(all.slice(first - 1));
    expect(await open().list({ kind: 'audit', since: new Date('2999-01-01') })).toEqual(
      all.slice(-1),
    );
    expect(await open().list({ kind: 'none', since: moment })).toEqual([]);
  });
});
