import { isLifeboatError, throwIfAborted } from '../../core/index.ts';
import { assertHeader, type NestedArea } from '../log/nested-area.ts';
import { noPrevious } from '../log/nested-header.ts';
import {
  decodeRecordIndex,
  encodeRecordIndex,
  type IndexedRecord,
  type RecordIndexFile,
} from './record-index-file.ts';

const folder = 'keys';
const header = {
  kind: 'recordIndex',
  level: 1,
  log: '',
  part: '',
  position: 0n,
} as const;
const readsAtOnce = 8;
/** Others merge index files too. Should it go on for longer, the records themselves are read. */
const rounds = 4;
/** An index file is left as it is from here on: some 2 MiB. */
const mostEntries = 16_384;

/**
 * What the records say, but for their bodies, in few files: so that opening them need not read each. It is a shortcut only; whatever is not
 * in it, or does not open, is read from the records.
 */
export class RecordIndex {
  /** By name of the record's file. */
  readonly entries = new Map<string, IndexedRecord>();
  /** Name and problem of each index file that does not open. */
  readonly damaged = new Map<string, string>();
  readonly #area: NestedArea;
  /** Those that are there and read. */
  readonly #files = new Map<string, RecordIndexFile>();
  /** Those that are there and need not be read. */
  #superseded: readonly string[] = [];

  constructor(area: NestedArea) {
    this.#area = area;
  }

  /** Index files that were read, with what they say. */
  get files(): ReadonlyMap<string, RecordIndexFile> {
    return this.#files;
  }

  async refresh(signal?: AbortSignal): Promise<void> {
    for (let round = 1; round <= rounds; round++) {
      const isWhole = await this.#look(signal);
      if (isWhole) return;
    }
  }

  /**
   * Makes one file of `records` and of what smaller files say; those have at most twice as many entries, so that each entry is written
   * again a logarithmic number of times. It is durable before any other is removed. Nothing is ever lost by removing one.
   */
  async write(records: readonly IndexedRecord[]): Promise<void> {
    const merged = this.#smallOnes(records.length);
    const parts = merged.flatMap((name) => this.#files.get(name)?.records ?? []);
    const byName = new Map([...parts, ...records].map((each) => [each.name, each]));
    const supersedes = [...new Set([...merged, ...this.#superseded, ...this.damaged.keys()])];
    const file = { records: [...byName.values()], supersedes };
    const previous = noPrevious;
    const payload = encodeRecordIndex(file);
    const { name } = await this.#area.write(folder, { ...header, previous }, payload);
    this.#add(name, file);
    for (const each of merged) this.#files.delete(each);
    this.damaged.clear();
    this.#superseded = supersedes;
    await this.#area.discard(folder, supersedes);
  }

  /** What was found to say something else than the records: the next file takes the place of all. */
  distrust(): void {
    for (const name of this.#files.keys()) this.damaged.set(name, 'it contradicts the records');
    this.#files.clear();
    this.entries.clear();
  }

  /** False when a file was gone: another stands in its place. */
  async #look(signal: AbortSignal | undefined): Promise<boolean> {
    const listed = await this.#list(signal);
    const present = new Set(listed.map(({ name }) => name));
    for (const name of this.#files.keys()) if (!present.has(name)) this.#files.delete(name);
    for (const name of this.damaged.keys()) if (!present.has(name)) this.damaged.delete(name);
    // The largest first: they make most of the others superfluous.
    const names = listed.toSorted((a, b) => b.sizeBytes - a.sizeBytes).map(({ name }) => name);
    const superseded = new Set([...this.#files.values()].flatMap((each) => each.supersedes));
    let isWhole = true;
    for (let at = 0, count = 1; at < names.length; at += count, count = readsAtOnce) {
      throwIfAborted(signal);
      const unknown = names
        .slice(at, at + count)
        .filter((name) => !this.#files.has(name) && !superseded.has(name))
        .filter((name) => !this.damaged.has(name));
      const found = await Promise.all(unknown.map((name) => this.#learn(name, signal)));
      if (found.includes('gone')) isWhole = false;
      for (const each of found) {
        if (typeof each !== 'string') for (const name of each.supersedes) superseded.add(name);
      }
    }
    this.#superseded = names.filter((name) => superseded.has(name));
    for (const name of this.#superseded) this.#files.delete(name);
    return isWhole;
  }

  /** A role that may not look here does without. */
  async #list(signal: AbortSignal | undefined) {
    try {
      return await this.#area.list(folder, signal);
    } catch (error) {
      if (!isLifeboatError(error, 'location.refused')) throw error;
      return [];
    }
  }

  async #learn(
    name: string,
    signal: AbortSignal | undefined,
  ): Promise<RecordIndexFile | 'gone' | 'unreadable'> {
    const subject = `lifeboat/${folder}/${name}`;
    try {
      const opened = await this.#area.read(folder, name, signal);
      assertHeader(opened.header, header, subject);
      const file = decodeRecordIndex(opened.payload, subject);
      this.#add(name, file);
      return file;
    } catch (error) {
      if (isLifeboatError(error, 'location.file-missing')) return 'gone';
      // What a newer program wrote stays, and is no use to this one.
      if (isLifeboatError(error, 'location.refused', 'repository.unsupported')) return 'unreadable';
      if (!isLifeboatError(error, 'repository.damaged')) throw error;
      this.damaged.set(name, error.message);
      return 'unreadable';
    }
  }

  #add(name: string, file: RecordIndexFile): void {
    this.#files.set(name, file);
    for (const each of file.records) this.entries.set(each.name, each);
  }

  #smallOnes(count: number): readonly string[] {
    const bySize = [...this.#files].sort(([, a], [, b]) => a.records.length - b.records.length);
    const chosen: string[] = [];
    let total = count;
    for (const [name, { records }] of bySize) {
      if (records.length > 2 * total || total + records.length > mostEntries) break;
      chosen.push(name);
      total += records.length;
    }
    return chosen;
  }
}
