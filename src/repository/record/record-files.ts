import { isLifeboatError, throwIfAborted } from '../../core/index.ts';
import { ContentCache } from '../log/content-cache.ts';
import { assertHeader, type NestedArea } from '../log/nested-area.ts';
import type { LifeboatRecord } from './record.ts';
import { decodeRecord, type RecordContent } from './record-payload.ts';

/** What is kept in memory of every record; bodies are kept as far as the cache goes. */
export type RecordFacts = Omit<LifeboatRecord, 'body'>;

const readsAtOnce = 8;
const cacheBytes = 32 * 1024 * 1024;

/** The records as files in `snapshots/` of the nested area. Every one that is handed out was verified. */
export class RecordFiles {
  readonly facts = new Map<string, RecordFacts>();
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
    for (const name of this.facts.keys()) if (!present.has(name)) this.facts.delete(name);
    this.damaged.clear();
    const unknown = files.filter((each) => !this.facts.has(each.name));
    for (let at = 0; at < unknown.length; at += readsAtOnce) {
      throwIfAborted(signal);
      const some = unknown.slice(at, at + readsAtOnce);
      await Promise.all(some.map((each) => this.#learn(each.name, signal)));
    }
  }

  async record(name: string, signal?: AbortSignal): Promise<LifeboatRecord> {
    return { ...(await this.#read(name, signal)), id: name };
  }

  /** Durable when it resolves. */
  async add(payload: Uint8Array, content: RecordContent, previous: string): Promise<string> {
    const { kind, writer, sequence } = content;
    const header = { kind: 'record' as const, level: 0, log: kind, part: writer };
    const place = { position: BigInt(sequence), previous };
    const { name } = await this.#area.write('snapshots', { ...header, ...place }, payload);
    this.#payloads.set(name, payload);
    this.#note(name, content);
    return name;
  }

  async #learn(name: string, signal: AbortSignal | undefined): Promise<void> {
    try {
      this.#note(name, await this.#read(name, signal));
    } catch (error) {
      const isBad = isLifeboatError(error, 'repository.damaged', 'repository.unsupported');
      if (isBad || isLifeboatError(error, 'record.invalid')) this.damaged.set(name, error.message);
      // A record that is gone was removed by whoever may do that.
      else if (!isLifeboatError(error, 'location.file-missing')) throw error;
    }
  }

  async #read(name: string, signal: AbortSignal | undefined): Promise<RecordContent> {
    const subject = `lifeboat/snapshots/${name}`;
    const cached = this.#payloads.get(name);
    if (cached !== undefined) return decodeRecord(cached, subject);
    const { header, payload } = await this.#area.read('snapshots', name, signal);
    const content = decodeRecord(payload, subject);
    const { kind, writer, sequence } = content;
    const position = BigInt(sequence);
    assertHeader(header, { kind: 'record', log: kind, part: writer, position }, subject);
    this.#payloads.set(name, payload);
    return content;
  }

  #note(name: string, { kind, source, time, writer, sequence, heads }: RecordContent): void {
    this.facts.set(name, { id: name, kind, source, time, writer, sequence, heads });
  }
}
