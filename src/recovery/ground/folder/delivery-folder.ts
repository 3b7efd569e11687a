import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { LifeboatError } from '../../../core/index.ts';
import { type Phase, type PlaceFacts, phases } from '../tree-place.ts';
import type { FolderActions } from './folder-actions.ts';

const phasePrefix = 'phase.';

/**
 * What tells of deliveries, in a folder of ours: for each token a folder with an empty file `phase.PHASE`, and the link `open` that names
 * the token whose swap is open. A phase changes by a rename, which needs no room: also on a full disk what is no longer needed can go.
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
    const open = await readlink(this.#openLink).catch(ignoreMissing);
    return {
      phase: names && (phaseIn(names) ?? 'begun'),
      hasNew,
      open: open?.slice(linkPrefix.length),
    };
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

  /** One swap at a time: the link can be made only once. */
  async hold(): Promise<void> {
    try {
      await this.#actions.makeLink(this.#openLink, `${linkPrefix}${this.#token}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const { open } = await this.facts();
      if (open === this.#token) return;
      throw new LifeboatError('ground.failed', `the swap of ${open} is open at ${this.#home}`, {
        hint: 'Settle it, or swap it back: only one can hold former data at a time.',
      });
    }
    await this.#actions.sync(this.#home);
  }

  async release(): Promise<void> {
    if ((await this.facts()).open !== this.#token) return;
    await this.#actions.removeFile(this.#openLink);
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

  get #openLink(): string {
    return join(this.#home, 'open');
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
