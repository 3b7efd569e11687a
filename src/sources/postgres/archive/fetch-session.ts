import { sleep } from '../../../core/index.ts';
import { parseArchiveName } from './archive-name.ts';
import type { LogFetcher } from './log-fetcher.ts';
import type { TrustedFolder } from './trusted-folder.ts';

const segmentsAhead = 8;
const readsAtOnce = 3;
const pollMs = 10;
/** A standby that has caught up asks every few seconds. */
const idleMaxMs = 60_000;

/** One server that fetches WAL: what it will ask for next lies ready in a folder beside its own. Disposal takes that away. */
export class FetchSession implements AsyncDisposable {
  readonly #fetcher: LogFetcher;
  readonly #folder: TrustedFolder;
  readonly #stop = new AbortController();
  #work: Promise<void> = Promise.resolve();
  readonly #preparing = new Map<string, Promise<void>>();
  /** Published by us and not taken yet, as far as we know. */
  readonly #ready = new Set<string>();
  #last: string | undefined;
  #usedMs = performance.now();

  private constructor(fetcher: LogFetcher, folder: TrustedFolder) {
    this.#fetcher = fetcher;
    this.#folder = folder;
    this.#work = this.#run();
  }

  /** Takes the folder for itself: what another process left in it goes. */
  static async open(fetcher: LogFetcher, folder: TrustedFolder): Promise<FetchSession> {
    for (const name of await folder.names()) await folder.remove(name);
    return new FetchSession(fetcher, folder);
  }

  /** False when the folder of that name is another one by now. */
  isAt(path: string): Promise<boolean> {
    return this.#folder.isAt(path);
  }

  /** Long since anything was asked for or taken. */
  get isIdle(): boolean {
    return performance.now() - this.#usedMs > idleMaxMs;
  }

  /**
   * Under which name it lies ready, undefined when there is no such file. Under its own name only what is whole: what may have grown
   * by the next time must never be found again.
   */
  async get(name: string): Promise<string | undefined> {
    this.#usedMs = performance.now();
    await this.#preparing.get(name)?.catch(() => {});
    const isSegment = parseArchiveName(name)?.kind === 'segment';
    if (isSegment && (await this.#folder.names()).has(name)) {
      this.#last = name;
      return name;
    }
    const bytes = await this.#fetcher.read(name, this.#stop.signal);
    if (bytes === undefined) return undefined;
    const asked = `${name}.asked`;
    await this.#folder.publish(asked, bytes);
    if (isSegment) this.#last = name;
    return asked;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#work;
    for (const name of this.#ready) await this.#folder.remove(name).catch(() => {});
    await this.#folder[Symbol.asyncDispose]();
  }

  /** What goes wrong here is met again, and told, when the server asks for it. */
  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const wasBusy = await this.#fill().catch(() => false);
      if (!wasBusy) await sleep(pollMs, this.#stop.signal).catch(() => {});
    }
  }

  async #fill(): Promise<boolean> {
    if (this.#last === undefined || this.isIdle) return false;
    const there = await this.#folder.names();
    for (const name of this.#ready) {
      if (there.has(name)) continue;
      this.#ready.delete(name);
      this.#usedMs = performance.now();
      if (name > this.#last) this.#last = name;
    }
    const room = Math.min(readsAtOnce, segmentsAhead - this.#ready.size);
    if (room <= 0) return false;
    const following = await this.#fetcher.following(this.#last, segmentsAhead);
    const next = following.filter((name) => !there.has(name));
    const wanted = next.slice(0, room);
    await Promise.all(
      wanted.map((name) => {
        const work = this.#prepare(name).finally(() => this.#preparing.delete(name));
        this.#preparing.set(name, work);
        return work;
      }),
    );
    return wanted.length > 0;
  }

  async #prepare(name: string): Promise<void> {
    const bytes = await this.#fetcher.read(name, this.#stop.signal);
    if (bytes === undefined) return;
    this.#ready.add(name);
    await this.#folder.publish(name, bytes);
  }
}
