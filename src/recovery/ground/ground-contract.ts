import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { listEntries } from '../../../test/support/entry-list.ts';
import { makeOddTree } from '../../../test/support/odd-tree.ts';
import { testClusterThere } from './cluster-there-contract.ts';
import type { DeliveryState, Ground, TreeDelivery } from './ground.ts';

/** What a factory gives the suite: a place whose target folder can be seen from this host. */
export interface PlaceUnderTest extends AsyncDisposable {
  /** What services use, as this host sees it. */
  readonly folder: string;
  readonly ground: Ground<TreeDelivery>;
  /** The same place, in a process that is killed right before its nth change. */
  dyingBefore?(change: number): Ground<TreeDelivery>;
  /** Nothing is there any more; not even an empty folder where that can be. */
  removeTarget(): Promise<void>;
  /** Folder of this host where what is delivered is made. Default: the system's temporary folder. */
  readonly scratch?: string;
}

export interface PlaceTraits {
  /** It keeps times to the nanosecond and extended attributes of what is delivered. */
  readonly keepsAttributes: boolean;
  /** `dyingBefore` is there: everything is tried with kills, too. */
  readonly isKilled: boolean;
}

type Entries = Record<string, string>;

/** The suite that every place for trees passes. */
export function testTreeGround(
  name: string,
  factory: (context: TestContext) => Promise<PlaceUnderTest>,
  { keepsAttributes, isKilled }: PlaceTraits,
): void {
  describe(`ground: ${name}`, () => {
    let place: PlaceUnderTest;
    let ground: Ground<TreeDelivery>;
    let scratch: string;

    beforeEach(async (context) => {
      place = await factory(context);
      ground = place.ground;
      scratch = mkdtempSync(join(place.scratch ?? tmpdir(), 'lifeboat-test-delivery-'));
    });
    afterEach(async () => {
      rmSync(scratch, { recursive: true, force: true });
      await place[Symbol.asyncDispose]();
    });

    /** A tree that may be moved away; its entries as they must be in place. */
    const deliver = (content: string): TreeDelivery => {
      const folder = join(scratch, 'tree');
      makeTree(folder, content);
      return { kind: 'tree', folder, bytes: 1000 };
    };
    const entries = (folder: string): Entries => ownEntries(listEntries(folder));
    const delivered = (folder: string): Entries =>
      keepsAttributes ? entries(folder) : withoutTimes(entries(folder));
    const fill = async (token: string, content: string): Promise<Entries> => {
      const tree = deliver(content);
      const expected = delivered(tree.folder);
      await ground.fill(token, tree);
      return expected;
    };
    const state = (token: string) => ground.state(token);

    it('fills beside, swaps, swaps back byte for byte, swaps again and settles', async () => {
      await using _ = await makeOddTree(place.folder);
      // They take time, and are renamed like any other.
      for (const name of ['sparse', 'large']) rmSync(join(place.folder, name));
      const former = entries(place.folder);
      expect(await state('a1')).toBe('nothing');
      const expected = await fill('a1', 'new');
      expect(await state('a1')).toBe('filled');
      expect(entries(place.folder)).toEqual(former);
      const kept = await ground.swap('a1');
      expect(await state('a1')).toBe('swapped');
      expect(delivered(place.folder)).toEqual(expected);
      expect(kept).toContain('.lifeboat/a1/former');
      expect(await ground.formerAt('a1')).toBe(kept);
      await ground.swapBack('a1');
      expect(await state('a1')).toBe('filled');
      expect(entries(place.folder)).toEqual(former);
      expect(await ground.formerAt('a1')).toBeUndefined();
      await ground.swap('a1');
      await ground.settle('a1');
      expect(await state('a1')).toBe('settled');
      expect(await ground.formerAt('a1')).toBeUndefined();
      expect(delivered(place.folder)).toEqual(expected);
      await expect(ground.swapBack('a1')).rejects.toMatchObject({ code: 'ground.failed' });
      await ground.forget('a1');
      expect(await state('a1')).toBe('nothing');
      expect(delivered(place.folder)).toEqual(expected);
      for (const name of ['.lifeboat', 'pgsql_tmp.lifeboat']) {
        expect(existsSync(join(place.folder, name))).toBe(false);
      }
    });

    it('does everything twice without harm, and the folder itself has the attributes of what is in it', async () => {
      makeTree(place.folder, 'former');
      const former = entries(place.folder);
      const formerRoot = rootOf(place.folder);
      const expected = await fill('a1', 'new');
      await fill('a1', 'something else');
      await ground.swap('a1');
      await ground.swap('a1');
      expect(rootOf(place.folder)).toBe('750 0:0');
      await ground.swapBack('a1');
      await ground.swapBack('a1');
      expect(entries(place.folder)).toEqual(former);
      expect(rootOf(place.folder)).toBe(formerRoot);
      await ground.swap('a1');
      await ground.settle('a1');
      await ground.settle('a1');
      await ground.swap('a1');
      expect(delivered(place.folder)).toEqual(expected);
    });

    it('takes hostile names as names', async () => {
      const folder = join(scratch, 'tree');
      makeHostileTree(folder);
      const expected = delivered(folder);
      await ground.fill('a1', { kind: 'tree', folder, bytes: 1000 });
      await ground.swap('a1');
      expect(delivered(place.folder)).toEqual(expected);
    });

    it('says whether it holds anything that is in use', async () => {
      makeTree(place.folder, 'former');
      expect(await ground.contents()).toEqual({ isEmpty: false, hasNoCluster: true });
      for (const name of readdirSync(place.folder)) {
        rmSync(join(place.folder, name), { recursive: true });
      }
      expect(await ground.contents()).toEqual({ isEmpty: true });
      await fill('a1', 'new');
      expect(await ground.contents()).toEqual({ isEmpty: true });
      expect(await ground.swap('a1')).toBeUndefined();
      expect(await ground.contents()).toEqual({ isEmpty: false, hasNoCluster: true });
    });

    testClusterThere(() => place);

    it('gives the tree to whom it is to belong there', async () => {
      const tree = deliver('new');
      await ground.fill('a1', { ...tree, owner: { uid: 4321, gid: 1234 } });
      await ground.swap('a1');
      const owners = Object.values(entries(place.folder)).map((text) => text.split(' | ')[1]);
      expect(new Set(owners)).toEqual(new Set(['4321:1234']));
    });

    it('takes an empty tree, and puts one into nothing', async () => {
      await place.removeTarget();
      const expected = await fill('a1', 'new');
      await ground.swap('a1');
      expect(delivered(place.folder)).toEqual(expected);
      const folder = join(scratch, 'empty');
      mkdirSync(folder);
      await ground.settle('a1');
      await ground.fill('a2', { kind: 'tree', folder, bytes: 0 });
      await ground.swap('a2');
      expect(entries(place.folder)).toEqual({});
      await ground.swapBack('a2');
      expect(delivered(place.folder)).toEqual(expected);
    });

    it('has nothing to bring back where nothing was', async () => {
      await place.removeTarget();
      await fill('a1', 'new');
      await ground.swap('a1');
      await ground.swapBack('a1');
      expect(existsSync(place.folder) ? entries(place.folder) : {}).toEqual({});
      await ground.discard('a1');
      expect(await state('a1')).toBe('nothing');
    });

    it('keeps deliveries apart: only what a token brought is discarded', async () => {
      makeTree(place.folder, 'former');
      const first = await fill('a1', 'first');
      await fill('a2', 'second');
      await ground.swap('a1');
      await expect(ground.discard('a1')).rejects.toMatchObject({ code: 'ground.failed' });
      expect(delivered(place.folder)).toEqual(first);
      expect(await state('a2')).toBe('filled');
      await ground.discard('unknown');
      await ground.discard('a2');
      expect(await state('a2')).toBe('nothing');
      expect(await state('a1')).toBe('swapped');
      const third = await fill('a3', 'third');
      await ground.settle('a1');
      await ground.swap('a3');
      expect(delivered(place.folder)).toEqual(third);
      await ground.swapBack('a3');
      await ground.discard('a3');
      expect(delivered(place.folder)).toEqual(first);
    });

    it('puts one delivery over another, and takes them back one by one', async () => {
      makeTree(place.folder, 'former');
      const former = entries(place.folder);
      const formerRoot = rootOf(place.folder);
      const first = await fill('a1', 'first');
      const second = await fill('a2', 'second');
      const third = await fill('a3', 'third');
      for (const token of ['a1', 'a2', 'a3']) await ground.swap(token);
      expect(delivered(place.folder)).toEqual(third);
      for (const token of ['a1', 'a2']) {
        await ground.swap(token);
        await expect(ground.swapBack(token)).rejects.toMatchObject({ code: 'ground.failed' });
        await expect(ground.discard(token)).rejects.toMatchObject({ code: 'ground.failed' });
        expect(await state(token)).toBe('swapped');
      }
      expect(delivered(place.folder)).toEqual(third);
      for (const [token, below] of [
        ['a3', second],
        ['a2', first],
      ] as const) {
        await ground.swapBack(token);
        await ground.discard(token);
        expect(await state(token)).toBe('nothing');
        expect(delivered(place.folder)).toEqual(below);
      }
      await ground.swapBack('a1');
      expect(entries(place.folder)).toEqual(former);
      expect(rootOf(place.folder)).toBe(formerRoot);
    });

    it('lets go of what each replaced, in any order, and of nothing else', async () => {
      makeTree(place.folder, 'former');
      const former = entries(place.folder);
      await fill('a1', 'first');
      const second = await fill('a2', 'second');
      await fill('a3', 'third');
      for (const token of ['a1', 'a2', 'a3']) await ground.swap(token);
      // The one in between: what it replaced is gone, and nobody else's.
      await ground.settle('a2');
      await ground.forget('a2');
      expect(await state('a2')).toBe('nothing');
      await ground.swapBack('a3');
      expect(delivered(place.folder)).toEqual(second);
      await ground.discard('a3');
      expect(await state('a1')).toBe('swapped');
      // The newest, and then one over the oldest again, which is let go of first.
      await fill('a4', 'fourth');
      await ground.swap('a4');
      await ground.settle('a4');
      await ground.forget('a4');
      const fifth = await fill('a5', 'fifth');
      await ground.swap('a5');
      await ground.swapBack('a5');
      await ground.swapBack('a1');
      expect(entries(place.folder)).toEqual(former);
      await ground.swap('a1');
      await ground.swap('a5');
      await ground.settle('a1');
      await ground.forget('a1');
      expect(delivered(place.folder)).toEqual(fifth);
      await ground.settle('a5');
      await ground.forget('a5');
      expect(delivered(place.folder)).toEqual(fifth);
      for (const name of ['.lifeboat', 'pgsql_tmp.lifeboat']) {
        expect(existsSync(join(place.folder, name))).toBe(false);
      }
    });

    it('puts nothing in place that is not complete', async () => {
      await expect(ground.swap('a1')).rejects.toMatchObject({ code: 'ground.failed' });
      await expect(ground.settle('a1')).rejects.toMatchObject({ code: 'ground.failed' });
    });

    it('says where it is, always the same', async () => {
      makeTree(place.folder, 'former');
      const before = await ground.identify();
      await fill('a1', 'new');
      await ground.swap('a1');
      expect(await ground.identify()).toEqual(before);
      expect(before.fingerprint).not.toBe('');
      expect(await ground.freeBytes()).toBeGreaterThan(0);
    });

    if (!isKilled) return;
    /** Each round with a process that dies one change later, until one lives. */
    const eachDeath = async (
      round: (dying: Ground<TreeDelivery>, change: number) => Promise<boolean>,
    ) => {
      let change = 1;
      while (await round(place.dyingBefore?.(change) as Ground<TreeDelivery>, change)) change++;
      expect(change).toBeGreaterThan(2);
    };

    it('is filled again after a kill at any change', async () => {
      makeTree(place.folder, 'former');
      const former = entries(place.folder);
      await eachDeath(async (dying) => {
        const tree = deliver('new');
        const expected = delivered(tree.folder);
        const died = await dies(dying.fill('a1', tree));
        expect(['nothing', 'begun', 'filled']).toContain(await state('a1'));
        await ground.fill('a1', tree);
        expect(await state('a1')).toBe('filled');
        expect(entries(place.folder)).toEqual(former);
        await ground.swap('a1');
        expect(delivered(place.folder)).toEqual(expected);
        await ground.swapBack('a1');
        await ground.discard('a1');
        return died;
      });
    });

    for (const call of ['swap', 'swapBack'] as const) {
      it(`goes on in both directions after a kill at any change of ${call}`, async () => {
        makeTree(place.folder, 'former');
        const former = entries(place.folder);
        const expected = await fill('a1', 'new');
        await eachDeath(async (dying, change) => {
          if (call === 'swapBack') await ground.swap('a1');
          const died = await dies(dying[call]('a1'));
          const possible: DeliveryState[] = ['filled', 'half-swapped', 'swapped'];
          expect(possible).toContain(await state('a1'));
          // After every second kill of one call, and after the others of the other call, it goes on forwards.
          const isForwards = (change % 2 === 0) === (call === 'swap');
          if (isForwards) {
            await ground.swap('a1');
            expect(delivered(place.folder)).toEqual(expected);
          }
          await ground.swapBack('a1');
          expect(entries(place.folder)).toEqual(former);
          expect(await state('a1')).toBe('filled');
          return died;
        });
      });
    }

    it('lies over another one after a kill at any change, and over no half of one', async () => {
      makeTree(place.folder, 'former');
      const former = entries(place.folder);
      const first = await fill('a1', 'first');
      const second = await fill('a2', 'second');
      await fill('a3', 'third');
      await ground.swap('a1');
      await eachDeath(async (dying, change) => {
        const died = await dies(dying.swap('a2'));
        if ((await state('a2')) === 'half-swapped') {
          await expect(ground.swap('a3')).rejects.toMatchObject({ code: 'ground.failed' });
        }
        if (change % 2 === 0) {
          await ground.swap('a2');
          expect(delivered(place.folder)).toEqual(second);
        }
        const back = place.dyingBefore?.(change) as Ground<TreeDelivery>;
        const diedToo = await dies(back.swapBack('a2'));
        await ground.swapBack('a2');
        expect(delivered(place.folder)).toEqual(first);
        expect(await state('a1')).toBe('swapped');
        return died || diedToo;
      });
      await ground.swapBack('a1');
      expect(entries(place.folder)).toEqual(former);
    });

    it('settles and discards to the end after a kill at any change', async () => {
      makeTree(place.folder, 'former');
      await eachDeath(async (dying, change) => {
        const token = `a${change}`;
        const expected = await fill(token, `new ${change}`);
        await fill('other', 'other');
        await ground.swap(token);
        const died = await dies(dying.settle(token));
        await ground.settle(token);
        expect(await state(token)).toBe('settled');
        const diedToo = await dies(dying.discard('other'));
        await ground.discard('other');
        expect(await state('other')).toBe('nothing');
        expect(delivered(place.folder)).toEqual(expected);
        return died || diedToo;
      });
    });
  });
}

async function dies(work: Promise<unknown>): Promise<boolean> {
  return await work.then(
    () => false,
    () => true,
  );
}

/** With a file of several names, a link, an empty folder, and attributes of the folder itself. */
function makeTree(folder: string, content: string): void {
  empty(folder);
  mkdirSync(join(folder, 'deep/er'), { recursive: true });
  mkdirSync(join(folder, 'nothing in it'));
  writeFileSync(join(folder, 'deep/er/file'), content, { mode: 0o600 });
  linkSync(join(folder, 'deep/er/file'), join(folder, 'again'));
  writeFileSync(join(folder, `only in ${content}`), content.repeat(1000), { mode: 0o640 });
  symlinkSync('deep/er', join(folder, '.link'));
  chmodSync(folder, content === 'former' ? 0o711 : 0o750);
}

function makeHostileTree(folder: string): void {
  mkdirSync(folder);
  const write = (name: string | Buffer) =>
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name as string)]), 'x');
  for (const name of [
    '-rf',
    '--help',
    'new\nline',
    'end\n',
    'back\\slash',
    ' blank ',
    'quote\'"`$(id)',
    '*',
    '?[a]',
    '...',
    '..x',
    '.hidden',
    '~',
    '$HOME',
    'tab\t',
    '\x01\x7f',
    '日本語',
    'n'.repeat(255),
  ])
    write(name);
  write(Buffer.from([0x63, 0x61, 0x66, 0xe9]));
  write(Buffer.from([0xff, 0xfe, 0x5c, 0x0a]));
  const deep = `${folder}/${'long/'.repeat(60)}`;
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, 'y'.repeat(200)), 'deep');
  symlinkSync('z'.repeat(300), join(folder, 'long link'));
  symlinkSync(Buffer.from([0x2f, 0xe9, 0xff]), join(folder, 'raw link'));
}

function empty(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    if (!ours.test(name)) rmSync(join(folder, name), { recursive: true });
  }
}

const ours = /^(pgsql_tmp)?\.lifeboat$/;

function ownEntries(entries: Entries): Entries {
  return Object.fromEntries(
    Object.entries(entries).filter(([path]) => !ours.test(path.split('/')[1] as string)),
  );
}

function withoutTimes(entries: Entries): Entries {
  const shorten = (text: string) => text.split(' | ').toSpliced(2, 1).join(' | ');
  return Object.fromEntries(Object.entries(entries).map(([path, text]) => [path, shorten(text)]));
}

/** Mode and owner of the folder itself. */
function rootOf(folder: string): string {
  const { mode, uid, gid } = statSync(folder);
  return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
}
