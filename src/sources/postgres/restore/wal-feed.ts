import { chown, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cancelled, fileError, sleep } from '../../../core/index.ts';
import { parseSegmentName, segmentName, segmentStart } from '../../../wal/index.ts';
import { giveTo, type ServerAccount } from '../server/index.ts';
import { feedFolderName, fetchScript } from './fetch-script.ts';
import type { RecoveryPlan, ReplayStop } from './recovery-plan.ts';
import { timelineOfSegment } from './timeline-path.ts';
import { WalPatcher } from './wal-patcher.ts';

export interface WalFeedOptions {
  readonly plan: RecoveryPlan;
  readonly dataFolder: string;
  readonly account: ServerAccount | undefined;
  /** Called with the number of segments handed out so far. */
  readonly onSegment?: (count: number) => void;
  readonly signal?: AbortSignal;
}

const segmentsAhead = 8;
/**
 * Read and decoded by the repository's threads while the ones before are passed on. What is held at once must stay below what makes
 * the collector look through everything over and over, or is as much as hides the way to a distant repository.
 */
const readsAhead = { near: 2n, far: 4n };
/** Being written while the next ones are looked through. */
const writesAtOnce = 1;
const pollMs = 5;

/**
 * The resident half of `restore_command`: decodes segments ahead of the server into a folder beside its WAL, and
 * answers what is asked for out of turn. Ends with disposal; a failure is kept in `failure` and makes
 * the server abort its recovery.
 */
export class WalFeed implements AsyncDisposable {
  readonly #options: WalFeedOptions;
  readonly #folder: string;
  readonly #patcher: WalPatcher;
  readonly #reads = new Map<bigint, Promise<Uint8Array>>();
  /** By name, until they lie ready. */
  readonly #writes = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #stopAt: ReplayStop;
  #next: bigint;
  #handedOut = 0;
  #failure: unknown;
  #work: Promise<void> = Promise.resolve();

  private constructor(options: WalFeedOptions) {
    const { plan, dataFolder, signal } = options;
    this.#options = options;
    this.#folder = join(dataFolder, feedFolderName);
    this.#patcher = new WalPatcher(plan, (start) => this.#reads.get(start));
    this.#stopAt = plan.stop;
    this.#next = segmentStart(plan.backup.startLsn, plan.backup.info.segmentSizeBytes);
    this.#signal = AbortSignal.any([this.#stop.signal, ...(signal ? [signal] : [])]);
  }

  static async start(options: WalFeedOptions): Promise<WalFeed> {
    const feed = new WalFeed(options);
    await feed.#makeFolders();
    feed.#work = feed.#run();
    return feed;
  }

  /** Why no more WAL is handed out; undefined while all is well. */
  get failure(): unknown {
    return this.#failure;
  }

  get segments(): number {
    return this.#handedOut;
  }

  /** CREATE TABLESPACE records that were made harmless. */
  get patchedRecords(): number {
    return this.#patcher.patchedRecords;
  }

  /** The replay goes on to here: on the same path. */
  goOnTo(stop: ReplayStop): void {
    this.#stopAt = stop;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#work;
    await Promise.allSettled([...this.#reads.values(), ...this.#writes.values()]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #makeFolders(): Promise<void> {
    try {
      for (const name of ['', 'ready', 'wanted', 'absent']) {
        const folder = join(this.#folder, name);
        await mkdir(folder, { mode: 0o700 });
        await giveTo(this.#options.account, folder);
      }
      const script = join(this.#folder, 'fetch');
      await writeFile(script, fetchScript(process.pid), { mode: 0o500 });
      await giveTo(this.#options.account, script);
    } catch (error) {
      throw fileError(error, `could not prepare ${this.#folder}`);
    }
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const wasAsked = await this.#answer();
        const lying = (await this.#names('ready')).size + this.#writes.size;
        const wasFilled = await this.#fillWindow(lying);
        if (!wasAsked && !wasFilled) await sleep(pollMs, this.#signal);
        if (this.#signal.aborted) throw cancelled(this.#signal);
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#failure = error;
      // Also when we were cancelled: whoever waits for an answer must not wait for ever.
      await writeFile(join(this.#folder, 'failed'), '').catch(() => {});
    }
  }

  /**
   * What the server waits for, at once. It may ask for the same file again as soon as it has it, and would wait for ever if that were
   * lost: so the question is taken away first, and only then it is looked whether the answer lies there.
   */
  async #answer(): Promise<boolean> {
    const wanted = await this.#names('wanted');
    for (const name of wanted) {
      await rm(join(this.#folder, 'wanted', name), { force: true });
      await this.#writes.get(name);
      if (!(await this.#names('ready')).has(name)) await this.#deliver(name);
    }
    return wanted.size > 0;
  }

  async #deliver(name: string): Promise<void> {
    const { plan } = this.#options;
    if (name.endsWith('.history')) {
      const bytes = await plan.histories.readFile(name);
      return bytes === undefined ? await this.#deny(name) : await this.#publish(name, bytes);
    }
    const position = parseSegmentName(name, plan.backup.info.segmentSizeBytes);
    const isOnPath = position && this.#nameOf(position.start) === name;
    if (!isOnPath || !this.#isHeld(position.start)) return await this.#deny(name);
    await this.#produce(position.start, true);
  }

  /** Decodes the next segment when fewer than `segmentsAhead` lie ready. */
  async #fillWindow(ready: number): Promise<boolean> {
    if (ready >= segmentsAhead || !this.#isHeld(this.#next)) return false;
    const size = BigInt(this.#options.plan.backup.info.segmentSizeBytes);
    if (this.#next > this.#likelyEnd() + size) return false;
    const reads = this.#options.plan.isNear ? readsAhead.near : readsAhead.far;
    for (let ahead = 0n; ahead < reads; ahead++) this.#beginRead(this.#next + ahead * size);
    await this.#produce(this.#next, false);
    return true;
  }

  /** Where the replay will stop, as far as known: what lies behind is decoded only when it is asked for. */
  #likelyEnd(): bigint {
    const { backup, end } = this.#options.plan;
    if (this.#stopAt.kind === 'consistent') return backup.stopLsn;
    return this.#stopAt.kind === 'lsn' ? this.#stopAt.lsn : end;
  }

  async #produce(start: bigint, isWanted: boolean): Promise<void> {
    this.#beginRead(start);
    const stored = await (this.#reads.get(start) as Promise<Uint8Array>);
    this.#reads.delete(start);
    const segment = await this.#patcher.finish(start, stored, this.#signal);
    if (start === this.#next) this.#next += BigInt(this.#options.plan.backup.info.segmentSizeBytes);
    const name = this.#nameOf(start);
    if (!segment) return await this.#deny(name);
    while (this.#writes.size >= writesAtOnce) await Promise.race(this.#writes.values());
    const write = this.#publish(name, segment).then(() => {
      letGo(stored);
      this.#writes.delete(name);
      this.#handedOut += 1;
      this.#options.onSegment?.(this.#handedOut);
    });
    // One that failed stays, and is thrown where it is waited for.
    write.catch(() => {});
    this.#writes.set(name, write);
    // What the server waits for is there when this returns.
    if (isWanted) await write;
  }

  #beginRead(start: bigint): void {
    if (!this.#isHeld(start) || this.#reads.has(start)) return;
    const read = this.#patcher.read(start, this.#signal);
    // Awaited when its turn comes; until then a failure must not count as unhandled.
    read.catch(() => {});
    this.#reads.set(start, read);
  }

  #isHeld(start: bigint): boolean {
    const { backup, end } = this.#options.plan;
    return start < end && start >= segmentStart(backup.startLsn, backup.info.segmentSizeBytes);
  }

  #nameOf(start: bigint): string {
    const { path, backup } = this.#options.plan;
    const size = backup.info.segmentSizeBytes;
    return segmentName(timelineOfSegment(path, start + BigInt(size)), start, size);
  }

  /** Whole under its name, or not there. */
  async #publish(name: string, bytes: Uint8Array): Promise<void> {
    const { account } = this.#options;
    const temporary = join(this.#folder, `making-${name}`);
    try {
      const file = await open(temporary, 'w', 0o600);
      try {
        for (let done = 0; done < bytes.length; ) {
          done += (await file.write(bytes, done)).bytesWritten;
        }
      } finally {
        await file.close();
      }
      if (account) await chown(temporary, account.uid, account.gid);
      await rename(temporary, join(this.#folder, 'ready', name));
    } catch (error) {
      throw fileError(error, `could not write ${temporary}`);
    }
  }

  async #deny(name: string): Promise<void> {
    await writeFile(join(this.#folder, 'absent', name), '').catch((error) => {
      throw fileError(error, `could not write ${this.#folder}/absent`);
    });
  }

  async #names(folder: string): Promise<ReadonlySet<string>> {
    return new Set(await readdir(join(this.#folder, folder)));
  }
}

/** At once: else every few of them would make the collector look through all that this process has in memory. */
function letGo({ buffer, byteLength }: Uint8Array): void {
  // Small ones lie in a buffer that Node shares.
  if (buffer instanceof ArrayBuffer && byteLength >= Buffer.poolSize) buffer.transfer(0);
}
