import { watch } from 'node:fs';
import { readdir, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isLifeboatError, sleep } from '../../../core/index.ts';
import type { Log } from '../../../repository/index.ts';
import type { ArchiveOutcome } from '../../source.ts';
import { ownerOf } from './archive-folder.ts';
import { type ArchiveRequest, parseRequest } from './archive-request.ts';
import { answerCodes, readyFolderName } from './client-script.ts';
import { FetchSession } from './fetch-session.ts';
import { LogArchiver } from './log-archiver.ts';
import { LogFetcher } from './log-fetcher.ts';
import { type Owner, openTrusted, TrustedFolder } from './trusted-folder.ts';

const beatMs = 1000;
/** Besides being told by the system. */
const lookMs = 100;
/** A server that stops waits for its archive_command: it is told to ask again instead, and the work goes on. */
const answerMaxMs = 45_000;
/** Clients that are older are dead. */
const clientMaxMs = 120_000;
const requestBytesMax = 10_000;
/** Of each kind; a server hands over one at a time, and asks for one at a time. Each may be of 1 GiB. */
const requestsAtOnce = 4;
/** As clients name their requests. Whatever else an account leaves there is none, and stays. */
const requestName = /^(put|get)-[\w.]{1,80}-\d{1,20}x{0,40}$/;

export interface ArchiveServerOptions {
  readonly log: Log;
  /** Installed. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onOutcome: (outcome: ArchiveOutcome) => void;
}

/**
 * The resident half of `archive_command` and `restore_command`, until the signal aborts. A client leaves a request in a folder and waits for
 * its answer; a file that changes each second tells it that somebody is there.
 */
export async function serveArchive(options: ArchiveServerOptions): Promise<void> {
  const owner = await ownerOf(options.folder);
  await using server = new ArchiveServer(options, owner);
  await server.run();
}

class ArchiveServer implements AsyncDisposable {
  readonly #options: ArchiveServerOptions;
  readonly #owner: Owner;
  readonly #archiver: LogArchiver;
  readonly #fetcher: LogFetcher;
  readonly #sessions = new Map<string, Promise<FetchSession>>();
  readonly #begun = new Map<string, Promise<void>>();
  readonly #beatPath: string;
  #wake: (() => void) | undefined;
  /** Requests cannot be answered any more. */
  #failure: unknown;

  constructor(options: ArchiveServerOptions, owner: Owner) {
    this.#options = options;
    this.#owner = owner;
    this.#archiver = new LogArchiver(options.log, owner);
    this.#fetcher = new LogFetcher(options.log, options.signal);
    this.#beatPath = join(options.folder, 'beat');
  }

  async run(): Promise<void> {
    const { folder, signal } = this.#options;
    const requests = join(folder, 'requests');
    const watcher = watch(requests, () => this.#wake?.());
    using _watching = { [Symbol.dispose]: () => watcher.close() };
    watcher.on('error', () => {});
    let beatAt = Number.NEGATIVE_INFINITY;
    for (let beat = 1; !signal.aborted; ) {
      if (performance.now() - beatAt >= beatMs) {
        beatAt = performance.now();
        await this.#beat(`${process.pid} ${beat++}`);
        await this.#endIdleSessions();
        if (beat % 10 === 1) await this.#sweepAnswers();
      }
      for (const entry of await readdir(requests, { withFileTypes: true })) {
        const id = entry.name;
        if (!entry.isFile() || !requestName.test(id) || this.#isFull(id)) continue;
        if (this.#begun.has(id)) continue;
        const working = this.#take(id)
          .catch((error: unknown) => {
            this.#failure ??= error;
          })
          .finally(() => this.#begun.delete(id));
        this.#begun.set(id, working);
      }
      if (this.#failure !== undefined) throw this.#failure;
      await this.#pause();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#beatPath, { force: true }).catch(() => {});
    await Promise.allSettled(this.#begun.values());
    for (const session of this.#sessions.values()) {
      await (await session.catch(() => undefined))?.[Symbol.asyncDispose]();
    }
  }

  #isFull(id: string): boolean {
    const kind = operationOf(id);
    const begun = [...this.#begun.keys()].filter((each) => operationOf(each) === kind);
    return begun.length >= requestsAtOnce;
  }

  async #take(id: string): Promise<void> {
    const path = join(this.#options.folder, 'requests', id);
    const found = await this.#read(path);
    if (found === 'unfinished') return;
    const request = found === undefined ? undefined : parseRequest(found);
    if (request?.operation === operationOf(id)) {
      const answer = await this.#answer(request);
      // The client waits for the next process.
      if (answer === undefined) return;
      await this.#publishAnswer(id, answer);
    }
    // Not before: should we die, the next process answers it.
    await unlink(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' && error.code !== 'EISDIR') throw error;
    });
  }

  /** Undefined when it is no request, or gone. */
  async #read(path: string): Promise<string | 'unfinished' | undefined> {
    try {
      await using file = await openTrusted(path, this.#owner);
      const { size, mtimeMs } = await file.stat();
      // Nobody waits so long.
      if (size > requestBytesMax || Date.now() - mtimeMs > clientMaxMs) return undefined;
      const text = await file.readFile('utf8');
      return text.endsWith('end\n') ? text : 'unfinished';
    } catch {
      return undefined;
    }
  }

  /** Undefined: we stop before what a recovery asked for is fetched. It must not end because of that, nor because it takes long. */
  async #answer(request: ArchiveRequest): Promise<string | undefined> {
    const { operation, name } = request;
    const { signal, onOutcome } = this.#options;
    const patience = new AbortController();
    const until = AbortSignal.any([signal, patience.signal]);
    try {
      const work = operation === 'put' ? this.#put(request) : this.#get(request);
      const late = operation === 'put' ? lateAnswer(name, until) : aborted(until);
      const outcome = work.then((text) => {
        onOutcome({ operation, error: undefined });
        return text;
      });
      return await Promise.race([outcome, late]);
    } catch (error) {
      if (signal.aborted && operation === 'get') return undefined;
      if (!signal.aborted) onOutcome({ operation, error });
      return describe(error);
    } finally {
      patience.abort();
    }
  }

  async #put(request: ArchiveRequest): Promise<string> {
    await this.#archiver.put(request);
    return `${answerCodes.done}\n`;
  }

  async #get({ name, path }: ArchiveRequest): Promise<string> {
    const folder = join(dirname(path), readyFolderName);
    const session = await this.#sessionOf(folder);
    const readyName = await session.get(name);
    return readyName === undefined
      ? `${answerCodes.absent}\n`
      : `${answerCodes.done}\n${readyName}\n`;
  }

  async #sessionOf(folder: string): Promise<FetchSession> {
    const known = this.#sessions.get(folder);
    if (known === undefined) return await this.#openSession(folder);
    const session = await known;
    if (await session.isAt(folder)) return session;
    // Another data folder was put in its place.
    if (this.#sessions.get(folder) === known) {
      this.#sessions.delete(folder);
      await session[Symbol.asyncDispose]();
    }
    return await this.#sessionOf(folder);
  }

  #openSession(folder: string): Promise<FetchSession> {
    const opened = TrustedFolder.open(folder, this.#owner).then((trusted) =>
      FetchSession.open(this.#fetcher, trusted),
    );
    opened.catch(() => this.#sessions.delete(folder));
    this.#sessions.set(folder, opened);
    return opened;
  }

  async #endIdleSessions(): Promise<void> {
    for (const [folder, opening] of this.#sessions) {
      const session = await opening.catch(() => undefined);
      if (!session?.isIdle) continue;
      this.#sessions.delete(folder);
      await session[Symbol.asyncDispose]();
    }
  }

  async #publishAnswer(id: string, text: string): Promise<void> {
    const { folder } = this.#options;
    const temporary = join(folder, `answer-${id}`);
    await writeFile(temporary, text, { mode: 0o644 });
    await rename(temporary, join(folder, 'answers', id));
  }

  /** Clients leave their answers where they are: that saves them a program. */
  async #sweepAnswers(): Promise<void> {
    const answers = join(this.#options.folder, 'answers');
    for (const id of await readdir(answers)) {
      const path = join(answers, id);
      const { mtimeMs } = await stat(path);
      if (Math.abs(Date.now() - mtimeMs) > clientMaxMs) await rm(path, { force: true });
    }
  }

  async #beat(text: string): Promise<void> {
    // Not durable and not by rename: whoever reads it half sees a sign of life all the same.
    await writeFile(this.#beatPath, `${text}\n`, { mode: 0o644 });
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, lookMs);
      this.#wake = done;
    });
  }
}

function operationOf(id: string): string {
  return id.slice(0, 3);
}

/** `archive_command` is called again soon. */
function lateAnswer(name: string, until: AbortSignal): Promise<string> {
  return sleep(answerMaxMs, until).then(
    () => `${answerCodes.failed}\n${name} takes long; it goes on, ask again\n`,
    () => `${answerCodes.failed}\n${name}: lifeboat serve stops; ask again\n`,
  );
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

/** A code for the client, and a line for the log of the server. */
function describe(error: unknown): string {
  const isOurs = isLifeboatError(error);
  const fact = error instanceof Error ? error.message : String(error);
  const isFinal =
    isOurs && isLifeboatError(error, 'log.conflict', 'archive.refused', 'postgres.other-cluster');
  const hint = isOurs && error.hint ? `. ${error.hint}` : '';
  const line = `${fact}${hint}`.replaceAll(/\s+/g, ' ');
  return `${isFinal ? answerCodes.refused : answerCodes.failed}\n${line}\n`;
}
