import { isLifeboatError, type LifeboatError, throwIfAborted } from '../../core/index.ts';
import { formatLsn } from '../../wal/index.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { WorkerPool } from '../data-plane/worker-pool.ts';
import type { Location } from '../location/location.ts';
import type { CheckFinding } from '../repository.ts';
import { Catalog, endOf } from './catalog.ts';
import { assertIsEntry } from './log-contents.ts';
import { decodeManifest, type FileEntry, type SegmentEntry } from './manifest.ts';
import { assertHeader, NestedArea } from './nested-area.ts';
import { noPrevious } from './nested-header.ts';

export interface CheckLogsOptions {
  /** The repository's own location and master key. */
  readonly location: Location;
  readonly key: EnvelopeKey;
  /** Worker threads that open the large files. */
  readonly pool?: WorkerPool;
  /** Also reads every segment: MAC, decompression, content, and that it follows the one before. */
  readonly readData?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Told the name of each log that holds something. */
  readonly onLog?: (name: string) => void;
  /** Told how many bytes of segments were read. */
  readonly onBytesRead?: (bytes: number) => void;
}

/**
 * Finds what is damaged, missing or swapped in the logs, and which spans that affects. Never throws
 * because of damage. A gap between segments is no damage: `coverage` shows those.
 */
export async function checkLogs(options: CheckLogsOptions): Promise<CheckFinding[]> {
  const area = new NestedArea(options.location, options.key, options.pool);
  const check = new LogsCheck(area, options);
  // The segments before the manifests: one that is appended meanwhile is no file without a manifest.
  await check.listData();
  await check.readSmallFiles('index');
  await check.readSmallFiles('locks');
  await check.compareEntries();
  await check.nameUnreferenced();
  return check.findings;
}

class LogsCheck {
  readonly findings: CheckFinding[] = [];
  readonly #area: NestedArea;
  readonly #options: CheckLogsOptions;
  readonly #catalogs = new Map<string, Catalog>();
  #data = new Map<string, number>();

  constructor(area: NestedArea, options: CheckLogsOptions) {
    this.#area = area;
    this.#options = options;
  }

  async listData(): Promise<void> {
    const files = await this.#area.list('data', this.#options.signal);
    this.#data = new Map(files.map((each) => [each.name, each.sizeBytes]));
  }

  async readSmallFiles(folder: 'index' | 'locks'): Promise<void> {
    for (const { name } of await this.#area.list(folder, this.#options.signal)) {
      const problem = await this.#problemOf(() => this.#learn(folder, name));
      // What is gone was superseded a moment ago.
      if (problem === undefined || problem.code === 'location.file-missing') continue;
      const affects = folder === 'index' ? ['segments that only this manifest names'] : [];
      this.#report(`${folder}/${name}`, problem.message, affects);
    }
  }

  async compareEntries(): Promise<void> {
    for (const [log, catalog] of this.#catalogs) {
      if (catalog.segments().length > 0) this.#options.onLog?.(log);
      this.#reportConflicts(log, catalog);
      for (const entry of [...catalog.segments(), ...catalog.files()]) {
        throwIfAborted(this.#options.signal);
        const problem = await this.#checkEntry(log, catalog, entry);
        if (problem !== undefined) this.#reportEntry(log, catalog, entry, problem);
      }
    }
  }

  /** Left by a crash between a segment and its manifest, or named by a manifest that is damaged. */
  async nameUnreferenced(): Promise<void> {
    const entries = [...this.#catalogs.values()].flatMap((each) => [
      ...each.segments(),
      ...each.files(),
    ]);
    const referenced = new Set(entries.map((each) => each.file));
    for (const name of this.#data.keys()) {
      if (referenced.has(name)) continue;
      this.findings.push({
        kind: 'log',
        name: `data/${name}`,
        problem: 'no manifest names this file',
        affects: [],
        severity: 'hint',
      });
    }
  }

  async #learn(folder: 'index' | 'locks', name: string): Promise<void> {
    const { header, payload } = await this.#area.read(folder, name, this.#options.signal);
    const subject = `lifeboat/${folder}/${name}`;
    if (folder === 'locks' && (header.kind === 'piece' || header.kind === 'marks')) return;
    assertHeader(header, { kind: 'manifest' }, subject);
    const catalog = this.#catalogs.get(header.log) ?? new Catalog();
    this.#catalogs.set(header.log, catalog);
    catalog.addManifest(decodeManifest(payload, subject));
  }

  async #checkEntry(
    log: string,
    catalog: Catalog,
    entry: SegmentEntry | FileEntry,
  ): Promise<string | undefined> {
    const storedBytes = this.#data.get(entry.file);
    // One that was not there when `data/` was listed may have been appended since: then it opens.
    if (storedBytes === entry.storedBytes && !this.#options.readData) return undefined;
    const problem = await this.#problemOf(() => this.#openEntry(log, catalog, entry));
    return problem?.code === 'location.file-missing' ? 'it is missing' : problem?.message;
  }

  async #openEntry(log: string, catalog: Catalog, entry: SegmentEntry | FileEntry): Promise<void> {
    const { signal } = this.#options;
    const opened = await this.#area.read('data', entry.file, signal, entry.lengthBytes);
    this.#options.onBytesRead?.(entry.storedBytes);
    assertIsEntry(log, entry, opened, `lifeboat/data/${entry.file}`);
    const { previous } = opened.header;
    if ('name' in entry || previous === noPrevious) return;
    const before = catalog
      .segmentsOverlapping(entry.stream, entry.start - 1n, entry.start)
      .filter((each) => endOf(each) === entry.start);
    if (before.length === 0 || before.some((each) => each.content === previous)) return;
    this.#report(`data/${entry.file}`, 'it follows another segment than the one before it', [
      describe(log, entry),
    ]);
  }

  #reportConflicts(log: string, catalog: Catalog): void {
    const contents = new Map<string, string>();
    for (const entry of [...catalog.segments(), ...catalog.files()]) {
      const place = describe(log, entry);
      const first = contents.get(place) ?? entry.content;
      contents.set(place, first);
      if (first !== entry.content) {
        this.#report(`data/${entry.file}`, 'other bytes are stored for the same place', [place]);
      }
    }
  }

  /** A copy of the same content in good order makes it a hint: nothing is lost. */
  #reportEntry(
    log: string,
    catalog: Catalog,
    entry: SegmentEntry | FileEntry,
    problem: string,
  ): void {
    const twins =
      'name' in entry
        ? catalog.filesNamed(entry.name)
        : catalog.segmentsOverlapping(entry.stream, entry.start, endOf(entry));
    const hasTwin = twins.some(
      (each) =>
        each.file !== entry.file &&
        each.content === entry.content &&
        this.#data.get(each.file) === each.storedBytes,
    );
    const affects = hasTwin ? [] : [describe(log, entry)];
    this.#report(`data/${entry.file}`, problem, affects, hasTwin ? 'hint' : 'error');
  }

  #report(
    name: string,
    problem: string,
    affects: readonly string[],
    severity: 'error' | 'hint' = 'error',
  ): void {
    this.findings.push({ kind: 'log', name, problem, affects, severity });
  }

  async #problemOf(work: () => Promise<void>): Promise<LifeboatError | undefined> {
    try {
      await work();
      return undefined;
    } catch (error) {
      const isDamage = isLifeboatError(error, 'repository.damaged', 'repository.unsupported');
      if (isDamage || isLifeboatError(error, 'location.file-missing')) return error;
      throw error;
    }
  }
}

function describe(log: string, entry: SegmentEntry | FileEntry): string {
  if ('name' in entry) return `log ${log}, file ${entry.name}`;
  return `log ${log}, stream ${entry.stream}, ${formatLsn(entry.start)} to ${formatLsn(endOf(entry))}`;
}
