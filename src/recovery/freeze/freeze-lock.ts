import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileError, LifeboatError } from '../../core/index.ts';

/**
 * One process freezes or thaws at a time. The lock is one of the system on an empty file, held through SQLite: it ends with the
 * process, however that ends. Errors: `run.busy`, `file.unreadable`.
 */
export async function lockFreezes(stateFolder: string): Promise<Disposable> {
  const folder = join(stateFolder, 'freezes');
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error) => {
    throw fileError(error, `could not make ${folder}`);
  });
  const path = join(folder, 'lock');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.prepare('BEGIN EXCLUSIVE').run();
  } catch (error) {
    database?.close();
    if (/locked/.test((error as Error).message)) throw busy(path);
    throw fileError(error, `could not lock ${path}`);
  }
  const held = database;
  return { [Symbol.dispose]: () => held.close() };
}

function busy(path: string): LifeboatError {
  return new LifeboatError('run.busy', 'another command freezes or thaws on this host just now', {
    hint: 'Nothing was changed. Wait for it to end; `lifeboat status` shows what is frozen.',
    context: { path },
    retryable: true,
  });
}
