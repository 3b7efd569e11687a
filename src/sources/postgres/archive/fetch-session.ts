import { parseArchiveName } from './archive-name.ts';
import type { LogFetcher } from './log-fetcher.ts';
import { SpareRooms } from './spare-rooms.ts';
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
  readonly #rooms = new SpareRooms(readsAtOnce);
  #wake: (() => void) | undefined;

  private constructor(fetcher: LogFetcher, folder: TrustedFolder) {
    this.#fetcher = fetcher;
    this.#folder = folder;
    this.#work = this.#run();
  }

  /** Takes the folder for itself: what another process left in it goes. */
  static async open(fetcher: LogFetcher, folder: TrustedFolder): Promise<FetchSession> {
    for (const name of await folder.names()) await folder.remove(name);
    // Segments are asked for next, and wait for it then.
    fetcher.learn().catch(() => {});
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
    // What follows is read from now on: the server waits for this one, and nothing may be in its way.
    if (isSegment) this.#last = name;
    const asked = `${name}.asked`;
    await this.#folder.publish(asked, bytes);
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
      await this.#fill().catch(() => {});
      await this.#pause();
    }
    await Promise.allSettled(this.#preparing.values());
  }

  async #fill(): Promise<void> {
    if (this.#last === undefined || this.isIdle) return;
    const there = await this.#folder.names();
    for (const name of this.#ready) {
      if (there.has(name)) continue;
      this.#ready.delete(name);
      this.#usedMs = performance.now();
      if (name > this.#last) this.#last = name;
    }
    for (const name of await this.#fetcher.following(this.#last, segmentsAhead)) {
      if (this.#stop.signal.aborted || this.#preparing.size >= readsAtOnce) return;
      if (!there.has(name) && !this.#preparing.has(name)) this.#begin(name);
    }
  }

  #begin(name: string): void {
    const work = this.#prepare(name).finally(() => this.#preparing.delete(name));
    this.#preparing.set(name, work);
    // One that failed is not begun again at once.
    work.then(() => this.#wake?.()).catch(() => {});
  }

  async #prepare(name: string): Promise<void> {
    const bytes = await this.#fetcher.read(name, this.#stop.signal, this.#rooms.take());
    if (bytes === undefined) return;
    await this.#folder.publish(name, bytes);
    this.#ready.add(name);
    this.#rooms.give(bytes);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#stop.signal.removeEventListener('abort', done);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, pollMs);
      this.#stop.signal.addEventListener('abort', done, { once: true });
      this.#wake = done;
    });
  }
}
