import { isDeepStrictEqual } from 'node:util';
import { isLifeboatError, type LifeboatError, throwIfAborted } from '../../core/index.ts';
import { isHashName } from '../location/file-name.ts';
import { ContentCache } from '../log/content-cache.ts';
import { assertHeader, type NestedArea } from '../log/nested-area.ts';
import { damaged, maximumRecordBytes } from '../log/nested-header.ts';
import type { LifeboatRecord } from './record.ts';
import { RecordGraph } from './record-graph.ts';
import { RecordIndex } from './record-index.ts';
import type { RecordFacts } from './record-index-file.ts';
import { decodeRecord, type RecordContent } from './record-payload.ts';

/** A record as bytes, with what stands in its header. */
export interface StoredRecord {
  readonly payload: Uint8Array;
  readonly content: RecordContent;
  readonly previous: string;
}

const readsAtOnce = 8;
const cacheBytes = 32 * 1024 * 1024;
/** So many records that no index file names are put into one. */
const unindexedAtOnce = 64;
/** Fewer are read sooner than the index is looked at. */
const fewUnknown = 16;

/** The records as files in `snapshots/` of the nested area. Every one whose body is handed out was verified. */
export class RecordFiles {
  readonly graph = new RecordGraph();
  /** Where each of them is stored. A copy has the id of the first, and a name of its own. */
  readonly #names = new Map<string, string>();
  readonly #ids = new Map<string, string>();
  /** Name and problem of each file that is no valid record. */
  readonly damaged = new Map<string, string>();
  /** Names of those that only the index has told of. */
  readonly #unverified = new Set<string>();
  /** Names of those that no index file tells of. */
  readonly #unindexed = new Set<string>();
  readonly #area: NestedArea;
  readonly #index: RecordIndex;
  readonly #payloads = new ContentCache(cacheBytes);
  #trustsIndex: boolean;
  #listedAtMs = Number.NEGATIVE_INFINITY;

  /** `trustsIndex` false: every record is read and verified. */
  constructor(area: NestedArea, { trustsIndex = true } = {}) {
    this.#area = area;
    this.#index = new RecordIndex(area);
    this.#trustsIndex = trustsIndex;
  }

  /** False from when on a record was found to say something else than the index: what it told of is to be read again. */
  get trustsIndex(): boolean {
    return this.#trustsIndex;
  }

  /** Of the record in the file of that name, if it is a valid one. */
  factsIn(name: string): RecordFacts | undefined {
    return this.graph.facts.get(this.#ids.get(name) ?? '');
  }

  /** Learns what is new. A damaged file is read again each time: the damage may have been the network's. */
  async refresh(signal?: AbortSignal): Promise<void> {
    const nowMs = performance.now();
    const files = await this.#area.list('snapshots', signal);
    const present = new Set(files.map((each) => each.name));
    this.#forget([...this.#ids.keys()].filter((name) => !present.has(name)));
    this.damaged.clear();
    const tooLarge = files.filter(({ sizeBytes }) => sizeBytes > maximumRecordBytes);
    for (const { name } of tooLarge) {
      this.damaged.set(name, `lifeboat/snapshots/${name} is far too large for a record`);
    }
    const names = [...present].filter((name) => !this.#ids.has(name) && !this.damaged.has(name));
    const unknown = await this.#learnIndexed(names, signal);
    for (let at = 0; at < unknown.length; at += readsAtOnce) {
      throwIfAborted(signal);
      const some = unknown.slice(at, at + readsAtOnce);
      await Promise.all(some.map((each) => this.#learn(each, signal)));
    }
    this.#listedAtMs = nowMs;
  }

  /** As `refresh`, unless that was done lately. */
  async refreshAfter(ageMs: number): Promise<void> {
    if (performance.now() - this.#listedAtMs >= ageMs) await this.refresh();
  }

  /** Errors: those of `#open`. */
  async record(id: string, signal?: AbortSignal): Promise<LifeboatRecord> {
    const name = this.#nameOf(id);
    const found = await this.#read(name, signal);
    this.#compare(name, found);
    return { ...found.content, id: found.id };
  }

  /** The file as it is: what a copy of the record must hold. */
  async stored(id: string, signal?: AbortSignal): Promise<StoredRecord> {
    const name = this.#nameOf(id);
    const found = await this.#open(name, signal);
    if (found.id !== id) throw damaged(`lifeboat/snapshots/${name}`, `it is not record ${id}`);
    const { payload, content, previous } = found;
    return { payload, content, previous };
  }

  /** Durable when it resolves. */
  async add({ payload, content, previous }: StoredRecord): Promise<string> {
    const header = headerOf(content, { level: 0, part: content.writer });
    const { name } = await this.#area.write('snapshots', { ...header, previous }, payload);
    this.#payloads.set(name, payload);
    this.#note(name, factsOf(name, content));
    await this.#tidy();
    return name;
  }

  /** A record that another repository knows by `id`. Durable when it resolves. */
  async addCopy(id: string, { payload, content, previous }: StoredRecord): Promise<void> {
    const header = headerOf(content, { level: 1, part: `${content.writer} ${id}` });
    const { name } = await this.#area.write('snapshots', { ...header, previous }, payload);
    this.#note(name, factsOf(id, content));
    await this.#tidy();
  }

  /** What remains is in no index file that opens. */
  async #learnIndexed(
    names: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly string[]> {
    if (!this.#trustsIndex || names.length <= fewUnknown) return names;
    await this.#index.refresh(signal);
    const { entries } = this.#index;
    for (const name of names) {
      const entry = entries.get(name);
      if (entry === undefined) continue;
      this.#unverified.add(name);
      this.#note(name, entry.facts);
    }
    return names.filter((name) => !entries.has(name));
  }

  async #learn(name: string, signal: AbortSignal | undefined): Promise<void> {
    try {
      const { id, content } = await this.#read(name, signal);
      this.#note(name, factsOf(id, content));
    } catch (error) {
      if (isBadRecord(error)) this.damaged.set(name, error.message);
      // A record that is gone was removed by whoever may do that.
      else if (!isLifeboatError(error, 'location.file-missing')) throw error;
    }
  }

  async #read(
    name: string,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly id: string; readonly content: RecordContent }> {
    const known = this.#ids.get(name);
    const cached = this.#payloads.get(name);
    if (known !== undefined && cached !== undefined && !this.#unverified.has(name)) {
      return { id: known, content: decodeRecord(cached, `lifeboat/snapshots/${name}`) };
    }
    const { id, content, payload } = await this.#open(name, signal);
    this.#payloads.set(name, payload);
    return { id, content };
  }

  /** Errors: `repository.damaged`, `repository.unsupported`, `record.invalid`, `location.file-missing`. */
  async #open(
    name: string,
    signal: AbortSignal | undefined,
  ): Promise<StoredRecord & { readonly id: string }> {
    const subject = `lifeboat/snapshots/${name}`;
    const { header, payload } = await this.#area.read('snapshots', name, signal);
    const content = decodeRecord(payload, subject);
    const id = header.level === 0 ? name : copiedId(header.part, subject);
    const part = id === name ? content.writer : `${content.writer} ${id}`;
    assertHeader(header, headerOf(content, { level: header.level, part }), subject);
    return { id, payload, content, previous: header.previous };
  }

  /** An index that was wrong about one record is believed about none. */
  #compare(
    name: string,
    { id, content }: { readonly id: string; readonly content: RecordContent },
  ): void {
    if (!this.#unverified.has(name)) return;
    if (isDeepStrictEqual(this.factsIn(name), factsOf(id, content))) {
      this.#unverified.delete(name);
      return;
    }
    this.#trustsIndex = false;
    this.#index.distrust();
    for (const each of this.#ids.keys()) this.#unindexed.add(each);
    this.#forget([...this.#unverified]);
  }

  /** What was added is durable already: trouble here must not take that back. The next one tries again. */
  async #tidy(): Promise<void> {
    if (this.#unindexed.size < unindexedAtOnce) return;
    try {
      if (this.#trustsIndex) await this.#index.refresh();
      const { entries } = this.#index;
      for (const name of this.#unindexed) if (entries.has(name)) this.#unindexed.delete(name);
      if (this.#unindexed.size < unindexedAtOnce) return;
      const records = [...this.#unindexed].map((name) => {
        return { name, facts: this.factsIn(name) as RecordFacts };
      });
      await this.#index.write(records);
      this.#unindexed.clear();
    } catch (error) {
      if (!isLifeboatError(error) || error.code === 'bug') throw error;
    }
  }

  #nameOf(id: string): string {
    return this.#names.get(id) ?? id;
  }

  #note(name: string, facts: RecordFacts): void {
    this.#names.set(facts.id, name);
    this.#ids.set(name, facts.id);
    if (!this.#index.entries.has(name)) this.#unindexed.add(name);
    this.graph.add(facts);
  }

  #forget(names: readonly string[]): void {
    const gone: string[] = [];
    for (const name of names) {
      const id = this.#ids.get(name) as string;
      this.#ids.delete(name);
      this.#unverified.delete(name);
      this.#unindexed.delete(name);
      if (this.#names.get(id) !== name) continue;
      this.#names.delete(id);
      gone.push(id);
    }
    this.graph.delete(gone);
  }
}

/** What is no valid record, whatever the reason. */
export function isBadRecord(error: unknown): error is LifeboatError {
  return isLifeboatError(error, 'repository.damaged', 'repository.unsupported', 'record.invalid');
}

export function factsOf(id: string, content: RecordContent): RecordFacts {
  const { kind, source, time, writer, sequence, heads } = content;
  return { id, kind, source, time, writer, sequence, heads };
}

/** What the header of a record says, whoever stored it. */
function headerOf(
  { kind, sequence }: RecordContent,
  { level, part }: { readonly level: number; readonly part: string },
) {
  return { kind: 'record' as const, level, log: kind, part, position: BigInt(sequence) };
}

/** The part of a copy is its writer and the id it has everywhere. */
function copiedId(part: string, subject: string): string {
  const id = part.slice(part.indexOf(' ') + 1);
  if (!isHashName(id)) throw damaged(subject, 'it is a copy of no record');
  return id;
}
