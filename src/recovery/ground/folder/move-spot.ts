import { lstat, readdir, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LifeboatError } from '../../../core/index.ts';
import { refuseRunning } from '../../../sources/index.ts';
import type { Move } from '../tree-place.ts';
import type { DeliveryFolder } from './delivery-folder.ts';
import type { FolderActions } from './folder-actions.ts';
import { type Layout, staysInPlace } from './layout.ts';
import { mountedWithin } from './mount-points.ts';

export interface MoveOptions {
  readonly layout: Layout;
  readonly folder: DeliveryFolder;
  readonly actions: FolderActions;
  readonly move: Move;
}

/** As `TreePlace.move`. Errors: `target.in-use`, `ground.failed`, those of files. */
export async function moveSpot(options: MoveOptions): Promise<void> {
  const { layout, folder, move } = options;
  if (layout.exists) await refuseRunning(layout.target);
  await refuseMounts(layout);
  await folder.hold();
  await folder.mark(move.phase);
  if (layout.mode === 'whole') await moveWhole(options);
  else await moveEntries(options);
}

async function moveWhole({ layout, folder, actions, move }: MoveOptions): Promise<void> {
  const pathOf = (spot: Move['from']) => (spot === 'target' ? layout.target : folder.path(spot));
  const [from, to] = [pathOf(move.from), pathOf(move.to)];
  const isAtTarget = move.to === 'target';
  if (!(await exists(from))) return;
  if (await exists(to)) {
    // It was moved already; a platform that starts services may have made an empty folder in its place.
    if (!isAtTarget) return await removeEmptyTarget(from);
    await removeEmptyTarget(to);
  }
  await actions.rename(from, to);
  await actions.sync(dirname(from));
  await actions.sync(dirname(to));
  if (isAtTarget) return;
  try {
    // One that was started in between works in the folder, whatever its name is now.
    await refuseRunning(to);
  } catch (error) {
    await actions.rename(to, from);
    throw error;
  }
}

async function moveEntries({ layout, folder, actions, move }: MoveOptions): Promise<void> {
  const { target } = layout;
  const outside = move.from === 'target' ? move.to : move.from;
  const kept = folder.path(`${outside}.root`);
  if (move.from === 'target') {
    if (!(await exists(kept))) {
      const part = `${kept}.part`;
      await actions.makeFolder(part);
      await actions.copyAttributes(target, part);
      await actions.rename(part, kept);
    }
    await actions.makeFolder(folder.path(outside));
  } else if (!(await exists(folder.path(outside)))) return;
  const [from, to] = [move.from, move.to].map((spot) =>
    Buffer.from(`${spot === 'target' ? target : folder.path(spot)}/`),
  ) as [Buffer, Buffer];
  const present = new Set(await namesIn(to));
  for (const name of await namesIn(from)) {
    if (staysInPlace.has(name)) continue;
    if (present.has(name)) throw inTheWay(to.toString(), name);
    const raw = Buffer.from(name, 'latin1');
    await actions.rename(Buffer.concat([from, raw]), Buffer.concat([to, raw]));
  }
  // Without it a former attempt has come to its end here.
  if (move.to === 'target' && (await exists(kept))) await actions.copyAttributes(kept, target);
  await actions.sync(target);
  await actions.sync(folder.path(outside));
  // What the folder is given while it is in use counts the next time.
  if (move.phase === 'back-in') await actions.removeTree(kept);
}

/** In Latin-1: a text for each byte. */
async function namesIn(folder: Buffer): Promise<readonly string[]> {
  return (await readdir(folder, { encoding: 'buffer' })).map((name) => name.toString('latin1'));
}

async function removeEmptyTarget(path: string): Promise<void> {
  await rmdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return;
    throw inTheWay(dirname(path), path.slice(dirname(path).length + 1));
  });
}

function inTheWay(folder: string, name: string): LifeboatError {
  return new LifeboatError('ground.failed', `something new lies at ${folder}: ${name}`, {
    hint: 'Something was written there during the swap. Stop what writes there, move it away, and try again.',
  });
}

async function refuseMounts({ target }: Layout): Promise<void> {
  const mounted = await mountedWithin(target);
  if (mounted.length === 0) return;
  throw new LifeboatError('ground.failed', `something is mounted within ${target}: ${mounted[0]}`, {
    hint: 'It would move along. Take it out of the way first.',
  });
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
