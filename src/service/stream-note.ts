import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isLifeboatError, writeFileDurably } from '../core/index.ts';
import type { StreamState } from '../sources/index.ts';

/** What `serve` last knew of a stream. Dates and positions as JSON has them. */
export type StreamNote = Omit<StreamState, 'written' | 'flushed' | 'serverEnd'> & {
  readonly time: Date;
  /** Of a stream that does not run: when `serve` tries again. */
  readonly nextTry?: Date;
};

/** Only a help for `status`: what cannot be written is left out. */
export async function writeStreamNote(
  stateFolder: string,
  { written: _, flushed: __, serverEnd: ___, ...note }: StreamState & StreamNote,
): Promise<void> {
  const folder = join(stateFolder, 'stream');
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFileDurably(join(folder, `${note.source}.json`), JSON.stringify(note));
  } catch (error) {
    const isFile = isLifeboatError(error) || (error as NodeJS.ErrnoException).code !== undefined;
    if (!isFile) throw error;
  }
}

/** `serve` could not stream, or not even open the repository, and waits for its next try. Says nothing of what was never streamed. */
export async function noteNextTry(
  stateFolder: string,
  source: string,
  { problem, delayMs }: { readonly problem: string; readonly delayMs: number },
): Promise<void> {
  const note = await readStreamNote(stateFolder, source);
  if (note === undefined) return;
  const time = new Date();
  const nextTry = new Date(time.getTime() + delayMs);
  await writeStreamNote(stateFolder, { ...note, time, phase: 'stopped', problem, nextTry });
}

/** Undefined when `serve` never streamed this source on this host. */
export async function readStreamNote(
  stateFolder: string,
  source: string,
): Promise<StreamNote | undefined> {
  const text = await readFile(join(stateFolder, 'stream', `${source}.json`), 'utf8').catch(
    () => '',
  );
  try {
    const note = JSON.parse(text) as Record<keyof StreamNote, unknown>;
    const time = moment(note.time);
    if (time === undefined || typeof note.phase !== 'string') return undefined;
    const writtenUntil = moment(note.writtenUntil);
    const flushedUntil = moment(note.flushedUntil);
    const { nextTry, ...rest } = note;
    const next = nextTry === undefined ? undefined : moment(nextTry);
    return {
      ...(rest as unknown as StreamNote),
      source,
      time,
      ...(writtenUntil ? { writtenUntil } : {}),
      ...(flushedUntil ? { flushedUntil } : {}),
      ...(next ? { nextTry: next } : {}),
    };
  } catch {
    // Absent, or written by another version.
    return undefined;
  }
}

function moment(value: unknown): Date | undefined {
  const time = new Date(String(value));
  return Number.isNaN(time.getTime()) ? undefined : time;
}
