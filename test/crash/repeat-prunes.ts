// Run by prune-kill.test.ts in a process of its own: backs up, forgets and prunes until it is killed, and prints
// `+ID` for every published snapshot and `-ID` before it forgets one. With a number it kills itself at that operation of
// its first prune.
import { randomBytes } from 'node:crypto';
import { Secret } from '../../src/core/index.ts';
import {
  type FileKind,
  LocalLocation,
  type Location,
  openRepository,
} from '../../src/repository/index.ts';
import { storeFiles } from '../support/stored-files.ts';

const [folder = '', password = '', killAt = ''] = process.argv.slice(2);
let operationsLeft = Number.POSITIVE_INFINITY;

/** Kills this process in the middle of things. */
function deadly(inner: Location): Location {
  const counted = new Set(['list', 'read', 'write', 'remove', 'create']);
  return new Proxy(inner, {
    get(target, name) {
      const member = Reflect.get(target, name, target);
      if (name === 'nested') return (area: string) => deadly(target.nested(area));
      if (typeof member !== 'function') return member;
      return async (...values: unknown[]) => {
        if (counted.has(String(name)) && operationsLeft-- <= 0)
          process.kill(process.pid, 'SIGKILL');
        return await member.apply(target, values);
      };
    },
  });
}

const local = new LocalLocation(folder);
const location = new Proxy(deadly(local), {
  get: (target, name) => {
    return name === 'describe' ? () => local.describe() : Reflect.get(target, name, target);
  },
});
const repository = await openRepository({ location, password: new Secret(password) });
const shared = randomBytes(400_000);
for (;;) {
  const own = randomBytes(200_000 + Math.floor(Math.random() * 300_000));
  const id = await storeFiles(repository, { shared, own });
  process.stdout.write(`+${id}\n`);
  const snapshots = await repository.snapshots();
  if (snapshots.length > 3) {
    const oldest = snapshots.at(-1)?.id as string;
    process.stdout.write(`-${oldest}\n`);
    await location.remove('snapshots' satisfies FileKind, oldest);
  }
  if (killAt !== '') operationsLeft = Number(killAt);
  await repository.prune({
    keepMarkedMs: Math.random() < 0.7 ? 0 : 1000,
    maxUnused: Math.random() < 0.5 ? { bytes: 0 } : { share: 0.05 },
  });
  if (killAt !== '') process.exit(0);
}
