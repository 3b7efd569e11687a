import { isLifeboatError, throwIfAborted } from '../../core/index.ts';
import { isHashName } from '../location/file-name.ts';
import { ContentCache } from '../log/content-cache.ts';
import { assertHeader, type NestedArea } from '../log/nested-area.ts';
import { damaged } from '../log/nested-header.ts';
import type { LifeboatRecord } from './record.ts';
import { decodeRecord, type RecordContent } from './record-payload.ts';

/** What is kept in memory of every record; bodies are kept as far as the cache goes. */
export type RecordFacts = Omit<LifeboatRecord, 'body'>;

/** A record as bytes, with what stands in its header. */
export interface StoredRecord {
  readonly payload: Uint8Array;
  readonly content: RecordContent;
  readonly previous: string;
}

const readsAtOnce = 8;
const cacheBytes = 32 * 1024 * 1024;

/** The records as files in `snapshots/` of the nested area. Every one that is handed out was verified. */
export class RecordFiles {
  readonly facts = new Map<string, RecordFacts>();
  /** Where each of them is stored. A copy has the id of the first, and a name of its own. */
  readonly #names = new Map<string, string>();
  readonly #ids = new Map<string, string>();
  /** Name and problem of each file that is no valid record. */
  readonly damaged = new Map<string, string>();
  readonly #area: NestedArea;
  readonly #payloads = new ContentCache(cacheBytes);

  constructor(area: NestedArea) {
    this.#area = area;
  }

  /** Reads what is new. A damaged file is read again each time: the damage may have been the network's. */
  async refresh(signal?: AbortSignal): Promise<void> {
    const files = await this.#area.list('snapshots', signal);
    const present = new Set(files.map((each) => each.name));
    for (const name of this.#ids.keys()) if (!present.has(name)) this.#forget(name);
    this.damaged.clear();
    const unknown = files.filter((each) => !this.#ids.has(each.name));
    for (let at = 0; at < unknown.length; at += readsAtOnce) {
      throwIfAborted(signal);
      const some = unknown.slice(at, at + readsAtOnce);
      await Promise.all(some.map((each) => this.#learn(each.name, signal)));
    }
  }

  async record(id: string, signal?: AbortSignal): Promise<LifeboatRecord> {
    const { content } = await this.#read(this.#nameOf(id), signal);
    return { ...content, id };
  }

  /** The file as it is: what a copy of the record must hold. */
  async stored(id: string, signal?: AbortSignal): Promise<StoredRecord> {
    const { header, payload } = await this.#area.read('snapshots', this.#nameOf(id), signal);
    return { payload, content: decodeRecord(payload, `record ${id}`), previous: header.previous };
  }

  /** Durable when it resolves. */
  async add({ payload, content, previous }: StoredRecord): Promise<string> {
    const header = headerOf(content, { level: 0, part: content.writer });
    const { name } = await this.#area.write('snapshots', { ...header, previous }, payload);
    this.#payloads.set(name, payload);
    this.#note(name, name, content);
    return name;
  }

  /** A record that another repository knows by `id`. Durable when it resolves. */
  async addCopy(id: string, { payload, content, previous }: StoredRecord): Promise<void> {
    const header = headerOf(content, { level: 1, part: `${content.writer} ${id}` });
    const { name } = await this.#area.write('snapshots', { ...header, previous }, payload);
    this.#note(name, id, content);
  }

  async #learn(name: string, signal: AbortSignal | undefined): Promise<void> {
    try {
      const { id, content } = await this.#read(name, signal);
      this.#note(name, id, content);
    } catch (error) {
      const isBad = isLifeboatError(error, 'repository.damaged', 'repository.unsupported');
      if (isBad || isLifeboatError(error, 'record.invalid')) this.damaged.set(name, error.message);
      // A record that is gone was removed by whoever may do that.
      else if (!isLifeboatError(error, 'location.file-missing')) throw error;
    }
  }

  async #read(
    name: string,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly id: string; readonly content: RecordContent }> {
    const subject = `lifeboat/snapshots/${name}`;
    const known = this.#ids.get(name);
    const cached = this.#payloads.get(name);
    if (known !== undefined && cached !== undefined) {
      return { id: known, content: decodeRecord(cached, subject) };
    }
    const { header, payload } = await this.#area.read('snapshots', name, signal);
    const content = decodeRecord(payload, subject);
    const id = header.level === 0 ? name : copiedId(header.part, subject);
    const part = id === name ? content.writer : `${content.writer} ${id}`;
    assertHeader(header, headerOf(content, { level: header.level, part }), subject);
    this.#payloads.set(name, payload);
    return { id, content };
  }

  #nameOf(id: string): string {
    return this.#names.get(id) ?? id;
  }

  #note(name: string, id: string, content: RecordContent): void {
    const { kind, source, time, writer, sequence, heads } = content;
    this.#names.set(id, name);
    this.#ids.set(name, id);
    this.facts.set(id, { id, kind, source, time, writer, sequence, heads });
  }

  #forget(name: string): void {
    const id = this.#ids.get(name) as string;
    this.#ids.delete(name);
    if (this.#names.get(id) !== name) return;
    this.#names.delete(id);
    this.facts.delete(id);
  }
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
