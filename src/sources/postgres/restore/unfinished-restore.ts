import { readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fileError, LifeboatError, syncFolder, writeFileDurably } from '../../../core/index.ts';
import { identifyProcess, isAlive } from '../server/index.ts';
import { isGuarded } from './copied-configuration.ts';

/** Lies in a data directory from before its first change until the restore is done. */
export const markerName = 'lifeboat-restore-in-place';
/** What the control file is called meanwhile: without it no server starts. */
export const controlAsideName = 'pg_control.before-restore';

const marker = z.object({
  format: z.literal(1),
  source: z.string(),
  /** Of the cluster that lay there. */
  systemId: z.string().regex(/^\d{1,20}$/),
  /** ISO 8601. */
  begun: z.string(),
  /** Where the state before is kept. */
  kept: z.string().optional(),
  /** The moment it goes to, as the option of the command. */
  target: z.string().optional(),
  /** The process that works on it. */
  owner: z.object({ pid: z.number(), started: z.string() }).optional(),
});

/** A restore in place that was begun. */
export type UnfinishedRestore = z.infer<typeof marker>;

/** Undefined when there is none, or when the folder has been started as a server since. */
export async function readUnfinished(folder: string): Promise<UnfinishedRestore | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, markerName), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(error, `could not read ${folder}/${markerName}`);
  }
  // Somebody may have made a server of it by hand: then what lies there is a state of its own.
  const hasControl = await stat(join(folder, 'global/pg_control')).then(
    () => true,
    () => false,
  );
  if (hasControl && !(await isGuarded(folder)) && !(await exists(join(folder, 'backup_label'))))
    return undefined;
  const parsed = marker.safeParse(safeJson(text));
  return parsed.success ? parsed.data : undefined;
}

/** From here on the folder does not start as a server. Errors: `target.in-use` when another process restores over it. */
export async function beginUnfinished(folder: string, facts: UnfinishedRestore): Promise<void> {
  const former = (await readUnfinished(folder))?.owner;
  if (former && former.pid !== process.pid && (await isAlive(former))) {
    throw new LifeboatError('target.in-use', `process ${former.pid} restores over ${folder}`, {
      hint: 'Wait until it is done, or end it.',
      context: { folder, pid: former.pid },
    });
  }
  const owner = await identifyProcess(process.pid);
  const text = JSON.stringify(owner ? { ...facts, owner } : facts);
  await writeFileDurably(join(folder, markerName), text);
  const global = join(folder, 'global');
  try {
    await rename(join(global, 'pg_control'), join(global, controlAsideName));
    await syncFolder(global);
  } catch (error) {
    // Begun before: it was moved away then.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw fileError(error, `could not move ${global}/pg_control away`);
  }
}

/** Nothing was changed yet: the folder is what it was. */
export async function undoBegin(folder: string): Promise<void> {
  const global = join(folder, 'global');
  await rename(join(global, controlAsideName), join(global, 'pg_control'));
  await syncFolder(global);
  await rm(join(folder, markerName), { force: true });
}

export async function endUnfinished(folder: string): Promise<void> {
  await rm(join(folder, 'global', controlAsideName), { force: true });
  await rm(join(folder, markerName), { force: true });
  await syncFolder(folder);
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
