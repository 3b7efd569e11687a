import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, isLifeboatError, LifeboatError, syncFolder, Turn } from '../core/index.ts';
import type { WriterIdentity } from '../repository/index.ts';
import { type EntryContent, nameOfEntry, type SignedEntry } from './entry.ts';
import { decodeEntry, headsMax, signEntry } from './entry-format.ts';
import { headsOf } from './entry-order.ts';

/** A file that is no valid entry, or not the one that its name says. */
export interface BadEntryFile {
  readonly name: string;
  readonly problem: string;
  /** It is a valid entry, but another one than its name says. */
  readonly isMoved: boolean;
  /** Whose number its name takes: the first 16 digits of the key. */
  readonly writer: string;
  readonly number: number;
}

export interface ReadTimeline {
  readonly entries: readonly SignedEntry[];
  readonly bad: readonly BadEntryFile[];
}

const leftoverMs = 3_600_000;

/**
 * The entries of one incident in the state folder: a file each, whole or not there. `NNNNNN-WRITER.entry` says number and writer, and the
 * file system gives every number away once (`link` refuses a name that is taken), so that processes of one host that write at the same
 * time make one chain.
 */
export class LocalTimeline {
  readonly incident: string;
  readonly #folder: string;
  readonly #turn = new Turn();
  readonly #known = new Map<string, SignedEntry>();

  constructor(incidentFolder: string, incident: string) {
    this.incident = incident;
    this.#folder = join(incidentFolder, 'entries');
  }

  /** Errors: `file.unreadable`. A timeline that is not there is empty. */
  async read(): Promise<ReadTimeline> {
    const bad: BadEntryFile[] = [];
    const entries: SignedEntry[] = [];
    for (const name of await this.#names()) {
      try {
        entries.push(await this.#entry(name));
      } catch (error) {
        if (!isLifeboatError(error, 'record.invalid')) throw error;
        const isMoved = error.context.isMoved === true;
        bad.push({ name, problem: error.message, isMoved, ...placeIn(name) });
      }
    }
    return { entries, bad };
  }

  /** Signs an entry behind all that is here. Durable when it resolves. Errors: `disk.full`, `file.unreadable`. */
  append(content: EntryContent, writer: WriterIdentity): Promise<SignedEntry> {
    return this.#turn.take(() => this.#append(content, writer));
  }

  async #append(content: EntryContent, writer: WriterIdentity): Promise<SignedEntry> {
    for (;;) {
      // Number and predecessor from one look: another process may write in between.
      const { entries, bad } = await this.read();
      const own = entries.filter(({ entry }) => entry.writer === writer.publicKey);
      const last = own.reduce<SignedEntry | undefined>(
        (newest, each) => (each.entry.sequence > (newest?.entry.sequence ?? 0) ? each : newest),
        undefined,
      );
      // What is damaged keeps its number.
      const damaged = bad.filter((each) => writer.publicKey.startsWith(each.writer));
      const taken = [last?.entry.sequence ?? 0, ...damaged.map(({ number }) => number)];
      const sequence = Math.max(...taken) + 1;
      const previous = last?.entry.id ?? '';
      const heads = headsOf(entries.map(({ entry }) => entry))
        .filter((id) => id !== previous)
        .slice(0, headsMax);
      const { incident } = this;
      const place = { incident, sequence, previous, heads, time: new Date() };
      const signed = signEntry({ ...content, ...place }, writer);
      if (await this.#put(fileName(signed), signed.text)) return signed;
    }
  }

  /** Keeps an entry that came from elsewhere; one that is here already stays as it is. Durable when it resolves. */
  async add(signed: SignedEntry): Promise<void> {
    const name = fileName(signed);
    if (await this.#put(name, signed.text)) return;
    const there = await this.#entry(name).catch(() => undefined);
    if (there?.entry.id === signed.entry.id) return;
    // The same number twice: one of them is a forgery, or a state folder was put back. Both are kept.
    await this.#put(name.replace('.', `-${signed.entry.id.slice(0, 16)}.`), signed.text);
  }

  async #entry(name: string): Promise<SignedEntry> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const text = await readFile(join(this.#folder, name), 'utf8').catch((error: unknown) => {
      throw fileError(error, `could not read ${join(this.#folder, name)}`);
    });
    const signed = decodeEntry(text);
    assertPlace(name, signed, this.incident);
    this.#known.set(name, signed);
    return signed;
  }

  async #names(): Promise<readonly string[]> {
    try {
      const names = await readdir(this.#folder);
      return names.filter((name) => name.endsWith('.entry')).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw fileError(error, `could not read ${this.#folder}`);
    }
  }

  /** False when the name is taken. */
  async #put(name: string, text: string): Promise<boolean> {
    const temporary = join(this.#folder, `.tmp-${randomBytes(8).toString('hex')}`);
    try {
      await this.#create();
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await link(temporary, join(this.#folder, name));
      await syncFolder(this.#folder);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw fileError(error, `could not write the timeline ${this.#folder}`);
    } finally {
      await rm(temporary, { force: true }).catch(() => {});
    }
  }

  async #create(): Promise<void> {
    const made = await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    if (made === undefined) return;
    // A name is durable when the folder that holds it is.
    for (let folder = this.#folder; ; folder = join(folder, '..')) {
      await syncFolder(join(folder, '..'));
      if (folder === made || folder === '/') break;
    }
  }

  /** What writers that were killed left behind. */
  async removeLeftovers(): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [] as string[])) {
      if (!name.startsWith('.tmp-')) continue;
      const path = join(this.#folder, name);
      const info = await stat(path).catch(() => undefined);
      if (info && Date.now() - info.mtimeMs > leftoverMs) await rm(path, { force: true });
    }
  }
}

function fileName({ entry }: SignedEntry): string {
  return `${String(entry.sequence).padStart(6, '0')}-${entry.writer.slice(0, 16)}.entry`;
}

function placeIn(name: string): { readonly number: number; readonly writer: string } {
  const [number = '', writer = ''] = name.replace('.entry', '').split('-');
  return { number: /^\d{1,9}$/.test(number) ? Number(number) : 0, writer };
}

/** A valid entry under another name, or of another incident, is one that somebody moved. */
function assertPlace(name: string, signed: SignedEntry, incident: string): void {
  const { entry } = signed;
  const own = fileName(signed);
  const twin = own.replace('.', `-${entry.id.slice(0, 16)}.`);
  if (name !== own && name !== twin) throw moved(`it holds ${nameOfEntry(entry)}`);
  if (entry.incident !== incident) throw moved(`it belongs to the incident ${entry.incident}`);
}

function moved(problem: string): LifeboatError {
  return new LifeboatError('record.invalid', problem, { context: { isMoved: true } });
}
