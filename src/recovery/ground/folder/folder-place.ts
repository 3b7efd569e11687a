import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, realpath, stat, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { fileError, LifeboatError, silentProgress, syncFolder } from '../../../core/index.ts';
import { machinesOf } from '../../../platforms/index.ts';
import { syncFileSystem } from '../../../sources/index.ts';
import type { GroundContents, GroundIdentity, GroundRequest, TreeDelivery } from '../ground.ts';
import type { Move, Phase, PlaceFacts, TreePlace } from '../tree-place.ts';
import { changeOwners } from './change-owners.ts';
import { clusterIn } from './cluster-in.ts';
import { copyTree } from './copy-tree.ts';
import { DeliveryFolder } from './delivery-folder.ts';
import { diskActions, type FolderActions } from './folder-actions.ts';
import { holdsNoCluster } from './holds-no-cluster.ts';
import { isCluster } from './is-cluster.ts';
import { findLayout, type Layout, staysInPlace } from './layout.ts';
import { moveSpot } from './move-spot.ts';

/** A folder of this host. */
export class FolderPlace implements TreePlace {
  readonly kind = 'folder';
  readonly #folder: string;
  readonly #actions: FolderActions;

  /** `folder`: absolute. */
  constructor(folder: string, actions: FolderActions = diskActions) {
    this.#folder = folder;
    this.#actions = actions;
  }

  describe(): string {
    return `${this.#folder} on ${hostname()}`;
  }

  async identify(): Promise<GroundIdentity> {
    const { target } = await findLayout(this.#folder);
    const machine = await readFile('/etc/machine-id', 'utf8').catch(() => '');
    const facts = JSON.stringify(['folder', machine.trim() || hostname(), target]);
    return {
      text: this.describe(),
      fingerprint: createHash('sha256').update(facts).digest('hex').slice(0, 32),
      machines: machinesOf(machine),
    };
  }

  async freeBytes(): Promise<number | undefined> {
    for (let at = (await findLayout(this.#folder)).target; ; at = dirname(at)) {
      const facts = await statfs(at).catch(() => undefined);
      if (facts) return facts.bavail * facts.bsize;
      if (dirname(at) === at) return undefined;
    }
  }

  async contents({ signal }: GroundRequest): Promise<GroundContents> {
    const { target } = await findLayout(this.#folder);
    const names = await readdir(target).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw fileError(error, `could not look into ${target}`);
    });
    if (names.every((name) => staysInPlace.has(name))) return { isEmpty: true };
    const systemId = await clusterIn(target);
    if (systemId !== undefined) return { isEmpty: false, systemId };
    const hasNoCluster = await holdsNoCluster(target, signal);
    return { isEmpty: false, ...(hasNoCluster ? { hasNoCluster } : {}) };
  }

  async look(token: string): Promise<PlaceFacts> {
    return await this.#attempt(async () => await (await this.#find(token)).folder.facts());
  }

  async begin(token: string, delivery: TreeDelivery): Promise<void> {
    await this.#attempt(async () => {
      const { layout, folder } = await this.#find(token, await isCluster(delivery.folder));
      await makeParents(dirname(layout.home));
      await folder.make();
      await folder.mark('begun');
      await folder.removeNew();
      await this.#actions.sync(dirname(layout.home));
    });
  }

  async receive(token: string, delivery: TreeDelivery, request: GroundRequest): Promise<void> {
    await this.#attempt(async () => {
      const { layout, folder } = await this.#find(token);
      const to = folder.path('new');
      const { phase, hasNew } = await folder.facts();
      if (!(phase === 'moving' && hasNew) && !(await this.#isMoved(delivery, layout, folder))) {
        await this.#copy(delivery, layout, to, request);
      }
      const { owner } = delivery;
      if (owner) await changeOwners(Buffer.from(to), owner, this.#actions, request.signal);
      await this.#keepAttributes(layout, folder);
      await synchronise(to);
    });
  }

  async mark(token: string, phase: Phase): Promise<void> {
    await this.#attempt(async () => await (await this.#find(token)).folder.mark(phase));
  }

  async move(token: string, move: Move): Promise<string | undefined> {
    return await this.#attempt(async () => {
      const { layout, folder } = await this.#find(token);
      await moveSpot({ layout, folder, actions: this.#actions, move });
      return await folder.former();
    });
  }

  async release(token: string): Promise<void> {
    await this.#attempt(async () => await (await this.#find(token)).folder.release());
  }

  async remove(token: string, what: 'former' | 'everything'): Promise<void> {
    await this.#attempt(async () => {
      const { folder } = await this.#find(token);
      if (what === 'former') await folder.removeFormer();
      else await folder.removeEverything();
    });
  }

  async #find(token: string, forCluster = false) {
    const layout = await findLayout(this.#folder, forCluster);
    return { layout, folder: new DeliveryFolder(layout.home, token, this.#actions) };
  }

  /** False: it lies on another file system. It is on the disk before it counts as being here. */
  async #isMoved(delivery: TreeDelivery, layout: Layout, folder: DeliveryFolder): Promise<boolean> {
    const from = await realpath(delivery.folder);
    const [there, here] = [await stat(from), await stat(layout.home)];
    // What must stay out of a mount point cannot come with the rest.
    const names = layout.mode === 'entries' ? await readdir(from) : [];
    if (there.dev !== here.dev || names.some((name) => staysInPlace.has(name))) return false;
    await synchronise(from);
    await folder.mark('moving');
    try {
      await this.#actions.rename(from, folder.path('new'));
    } catch (error) {
      // The same device, and yet another mount of it, or a mount point.
      if (!['EXDEV', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      await folder.mark('begun');
      return false;
    }
    await this.#actions.sync(dirname(folder.path('new')));
    await this.#actions.sync(dirname(from));
    return true;
  }

  async #copy(
    { folder, bytes, owner }: TreeDelivery,
    layout: Layout,
    to: string,
    { signal, progress = silentProgress }: GroundRequest,
  ): Promise<void> {
    const free = await this.freeBytes();
    if (free !== undefined && free < bytes) {
      throw new LifeboatError('ground.no-room', `${this.describe()} has too little room`, {
        hint: `It needs ${bytes} bytes beside what is there, and has ${free}. Make room and try again.`,
        context: { needed: bytes, free },
        retryable: true,
      });
    }
    const task = 'deliver';
    progress({ type: 'begin', task, title: `copying to ${this.describe()}` });
    try {
      await this.#actions.makeFolder(to);
      const lost = await copyTree(folder, to, {
        actions: this.#actions,
        owner,
        leftOut: layout.mode === 'entries' ? staysInPlace : new Set(),
        signal,
        onBytes: (done) =>
          progress({ type: 'progress', task, done, total: Math.max(done, bytes), unit: 'bytes' }),
      });
      if (lost > 0) {
        const message = `${this.describe()} could not take ${lost} extended attributes`;
        progress({ type: 'warning', message });
      }
    } finally {
      progress({ type: 'end', task });
    }
  }

  /** A mount point stays itself, and gets them when the entries come in. */
  async #keepAttributes(layout: Layout, folder: DeliveryFolder): Promise<void> {
    if (layout.mode !== 'entries') return;
    await this.#actions.makeFolder(folder.path('new.root'));
    await this.#actions.copyAttributes(folder.path('new'), folder.path('new.root'));
  }

  async #attempt<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      const ours = fileError(error, `could not work at ${this.describe()}`);
      if (ours.code !== 'file.unreadable') throw ours;
      throw new LifeboatError('ground.failed', ours.message, {
        hint: 'Put right what the message names. Every step here may be repeated, and goes on from where it was.',
        cause: error,
      });
    }
  }
}

/** All that was written to its file system. */
async function synchronise(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await syncFileSystem(handle.fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTSUP') throw error;
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Each new name is durable before what lies in it. */
async function makeParents(folder: string): Promise<void> {
  if (await stat(folder).catch(() => undefined)) return;
  await makeParents(dirname(folder));
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await syncFolder(dirname(folder));
}
