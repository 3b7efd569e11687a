import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { isLifeboatError, Secret } from '../../src/core/index.ts';
import { keyFromBytes } from '../../src/repository/crypto/key-derivation.ts';
import { forget } from '../../src/repository/forget/forget.ts';
import { encodeKeyFile, openKeyFile } from '../../src/repository/format/key-file.ts';
import { type Location, MemoryLocation } from '../../src/repository/index.ts';
import { openKeys } from '../../src/repository/keys/open-keys.ts';
import { listSnapshots } from '../../src/repository/snapshot-list.ts';
import {
  type RepositoryAccess,
  sha256,
  writeStoredJson,
} from '../../src/repository/stored-file.ts';
import { tagSnapshots } from '../../src/repository/tag/tag-snapshots.ts';
import { type Fault, FaultyLocation } from './faulty-location.ts';

const masterKey = keyFromBytes(randomBytes(64));
const [oldPassword, newPassword] = [new Secret('old'), new Secret('new')];
const accessTo = (location: Location): RepositoryAccess => ({ location, masterKey, version: 2 });

/** Four snapshots and a key. */
let scene: ReadonlyMap<string, Uint8Array>;
let keyName: string;
let ids: readonly string[];

beforeAll(async () => {
  const files = new Map<string, Uint8Array>();
  const access = accessTo(new MemoryLocation({ files }));
  const key = Buffer.from(await encodeKeyFile(masterKey, oldPassword));
  keyName = sha256(key);
  await access.location.write('keys', keyName, key);
  const made: string[] = [];
  for (let day = 1; day <= 4; day++) {
    const json = {
      time: `2026-11-0${day}T02:00:00Z`,
      tree: 'ab'.repeat(32),
      paths: ['/x'],
      hostname: 'h',
    };
    made.push(await writeStoredJson(access, 'snapshots', JSON.stringify(json)));
  }
  ids = made;
  scene = files;
});

type Work = (access: RepositoryAccess) => Promise<unknown>;

const effects = {
  list: ['error'],
  read: ['error'],
  write: ['error', 'half-write', 'lost-answer', 'flip-bit'],
  remove: ['error', 'lost-answer'],
} as const satisfies Partial<Record<Fault['operation'], readonly Fault['effect'][]>>;

/** Dead after some number of operations, and with every fault at the first two of each kind; in CI some of these. */
async function everyFault(
  work: Work,
  count: number,
  verify: (files: Map<string, Uint8Array>, what: string) => Promise<void>,
): Promise<void> {
  const attempt = async (setting: ConstructorParameters<typeof FaultyLocation>[1]) => {
    const files = new Map(scene);
    const location = new FaultyLocation(new MemoryLocation({ files }), setting);
    await work(accessTo(location)).catch((error) => {
      if (!isLifeboatError(error) || error.code === 'bug') throw error;
    });
    for (const path of files.keys()) if (path.startsWith('locks/')) files.delete(path);
    await verify(files, JSON.stringify(setting));
    return location;
  };
  const { operations } = await attempt({});
  const faults = (['snapshots', 'keys'] as const).flatMap((kind) =>
    (['write', 'remove', 'read', 'list'] as const).flatMap((operation) =>
      effects[operation].flatMap((effect) =>
        [1, 2].map((nth): Fault => ({ operation, kind, nth, effect })),
      ),
    ),
  );
  const stops = Array.from({ length: operations - 1 }, (_, number) => number + 1);
  for (const stopAfterOperations of some(stops, count)) await attempt({ stopAfterOperations });
  for (const fault of some(faults, count)) await attempt({ faults: [fault] });
}

function some<Each>(all: readonly Each[], count: number): readonly Each[] {
  if (process.env.LIFEBOAT_SOAK === '1') return all;
  return all.filter(
    (_, number) =>
      Math.floor((number * count) / all.length) !== Math.floor(((number - 1) * count) / all.length),
  );
}

const listed = async (files: Map<string, Uint8Array>) =>
  await listSnapshots(accessTo(new MemoryLocation({ files })), {});

describe('whatever fails, and whenever it dies', () => {
  it('forget leaves what was to stay, whole, and a second run ends it', async () => {
    const work: Work = (access) => forget(access, { policy: { last: 2, minimum: 2 } });
    await everyFault(work, 8, async (files, what) => {
      const left = (await listed(files)).map(({ id }) => id);
      expect(left, what).toEqual(expect.arrayContaining([ids[3], ids[2]]));
      await work(accessTo(new MemoryLocation({ files })));
      expect(
        (await listed(files)).map(({ id }) => id),
        what,
      ).toEqual([ids[3], ids[2]]);
    });
  });

  it('tag leaves each snapshot there, and a second run leaves each there once', async () => {
    const work: Work = (access) => tagSnapshots(access, { add: ['new'] });
    await everyFault(work, 8, async (files, what) => {
      const left = (await listed(files)).map(({ id, original }) => original ?? id);
      expect(new Set(left), what).toEqual(new Set(ids));
      await work(accessTo(new MemoryLocation({ files })));
      const after = await listed(files);
      expect(
        after.map(({ original }) => original),
        what,
      ).toEqual(ids.toReversed());
      expect(
        after.every(({ tags }) => tags.join() === 'new'),
        what,
      ).toBe(true);
    });
  });

  it('a change of the password leaves one that opens', async () => {
    const work: Work = (access) => openKeys(access, keyName).changePassword(newPassword);
    await everyFault(work, 4, async (files, what) => {
      const keys = [...files].filter(([path]) => path.startsWith('keys/'));
      const opens = async ([path, bytes]: [string, Uint8Array], password: Secret) => {
        if (path !== `keys/${sha256(bytes)}`) return false;
        return (await openKeyFile(Buffer.from(bytes).toString('utf8'), password)) !== undefined;
      };
      const old = await Promise.all(keys.map((key) => opens(key, oldPassword)));
      const now = await Promise.all(keys.map((key) => opens(key, newPassword)));
      expect([...old, ...now].includes(true), what).toBe(true);
    });
  }, 120_000);
});
