import { lstat, readdir, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { LifeboatError } from '../../../core/index.ts';
import { isInPlace, type Phase, type PlaceFacts, phases } from '../tree-place.ts';
import type { FolderActions } from './folder-actions.ts';

const phasePrefix = 'phase.';

/** A swap that is open, and its place among them: the higher, the newer. */
interface OpenLink {
  readonly number: number;
  readonly token: string;
}

/**
 * What tells of deliveries, in a folder of ours: for each token a folder with an empty file `phase.PHASE`, and for each swap that is open
 * a link that names its token: `open`, those that were put over it `open.2`, `open.3` and so on. A phase changes by a rename, which needs no room: also on a full disk what is no longer needed can go.
 */
export class DeliveryFolder {
  readonly #home: string;
  readonly #token: string;
  readonly #actions: FolderActions;

  constructor(home: string, token: string, actions: FolderActions) {
    this.#home = home;
    this.#token = token;
    this.#actions = actions;
  }

  /** Of `new`, `former`, and of the folders that keep their attributes. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  async facts(): Promise<PlaceFacts> {
    await this.#requireOurs();
    const names = await this.#names();
    const hasNew = names?.includes('new') ?? false;
    const newest = (await this.#openLinks()).at(-1);
    return {
      phase: names && (phaseIn(names) ?? 'begun'),
      hasNew,
      former: await this.former(),
      open: newest && { token: newest.token, phase: await this.#phaseOf(newest.token) },
    };
  }

  /** Of a place that was empty there is none. */
  async former(): Promise<string | undefined> {
    const names = await readdir(this.path('former')).catch((error: NodeJS.ErrnoException) =>
      // What may not be looked into is kept all the same.
      error.code === 'EACCES' ? [error.code] : ignoreMissing(error),
    );
    return names?.length ? `${this.path('former')} on ${hostname()}` : undefined;
  }

  async make(): Promise<void> {
    await this.#requireOurs();
    await this.#actions.makeFolder(this.#home);
    await this.#actions.makeFolder(this.#folder);
    await this.#actions.sync(this.#home);
  }

  async mark(phase: Phase): Promise<void> {
    const former = phaseIn((await this.#names()) ?? []);
    if (former === phase) return;
    const path = this.path(`${phasePrefix}${phase}`);
    if (former === undefined) await this.#actions.makeFile(path);
    else await this.#actions.rename(this.path(`${phasePrefix}${former}`), path);
    await this.#actions.sync(this.#folder);
  }

  /** One after the other: a number can be taken only once, and only over one that is whole. */
  async hold(): Promise<void> {
    const links = await this.#openLinks();
    const newest = links.at(-1);
    if (newest?.token === this.#token) return;
    if (links.some(({ token }) => token === this.#token)) {
      throw this.#refused(
        `what ${newest?.token} brought lies over it`,
        'Swap that one back first.',
      );
    }
    if (newest !== undefined && !isInPlace(await this.#phaseOf(newest.token))) {
      throw this.#refused(
        `the swap of ${newest.token} is half done there`,
        'Bring it to its end, or swap it back.',
      );
    }
    try {
      const path = this.#linkPath((newest?.number ?? 0) + 1);
      await this.#actions.makeLink(path, `${linkPrefix}${this.#token}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw this.#refused('another swap begins there just now', 'Try again when it has ended.');
    }
    await this.#actions.sync(this.#home);
  }

  async release(): Promise<void> {
    const own = (await this.#openLinks()).filter(({ token }) => token === this.#token);
    if (own.length === 0) return;
    for (const { number } of own) await this.#actions.removeFile(this.#linkPath(number));
    await this.#actions.sync(this.#home);
  }

  async removeNew(): Promise<void> {
    await this.#actions.removeTree(this.path('new'));
    await this.#actions.removeTree(this.path('new.root'));
  }

  async removeFormer(): Promise<void> {
    await this.#actions.removeTree(this.path('former'));
    await this.#actions.removeTree(this.path('former.root'));
    await this.#actions.sync(this.#folder);
  }

  /** What tells of the token goes last; without it the rest would not be known as ours. */
  async removeEverything(): Promise<void> {
    await this.removeNew();
    await this.removeFormer();
    await this.#actions.removeTree(this.#folder);
    await this.#actions.sync(this.#home);
    await this.#actions.removeEmpty(this.#home).catch((error: NodeJS.ErrnoException) => {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(error.code ?? '')) throw error;
    });
  }

  get #folder(): string {
    return join(this.#home, this.#token);
  }

  #linkPath(number: number): string {
    return join(this.#home, number === 1 ? 'open' : `open.${number}`);
  }

  /** The newest last. */
  async #openLinks(): Promise<readonly OpenLink[]> {
    const names = (await readdir(this.#home).catch(ignoreMissing)) ?? [];
    const numbers = names.flatMap((name) => {
      const match = /^open(?:\.([1-9]\d*))?$/.exec(name);
      return match ? [Number(match[1] ?? 1)] : [];
    });
    const links: OpenLink[] = [];
    for (const number of numbers.sort((a, b) => a - b)) {
      const text = await readlink(this.#linkPath(number)).catch(ignoreMissing);
      if (text !== undefined) links.push({ number, token: text.slice(linkPrefix.length) });
    }
    return links;
  }

  async #phaseOf(token: string): Promise<Phase | undefined> {
    return phaseIn((await readdir(join(this.#home, token)).catch(ignoreMissing)) ?? []);
  }

  #refused(fact: string, hint: string): LifeboatError {
    return new LifeboatError('ground.failed', `${this.#home}: ${fact}`, { hint });
  }

  async #names(): Promise<readonly string[] | undefined> {
    return await readdir(this.#folder).catch(ignoreMissing);
  }

  /** Whoever owns the folder around may have put something else there, for us to write to and to remove. */
  async #requireOurs(): Promise<void> {
    const facts = await lstat(this.#home).catch(ignoreMissing);
    if (facts === undefined) return;
    if (facts.isDirectory() && facts.uid === process.getuid?.()) return;
    throw new LifeboatError('ground.failed', `${this.#home} is not a folder of this account`, {
      hint: 'Lifeboat keeps deliveries there. Look at what it is, and move it away.',
    });
  }
}

/** So that it leads to nothing. */
const linkPrefix = 'token:';

function phaseIn(names: readonly string[]): Phase | undefined {
  const found = names.find((name) => name.startsWith(phasePrefix))?.slice(phasePrefix.length);
  return phases.find((each) => each === found);
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
