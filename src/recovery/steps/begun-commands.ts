import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LifeboatError, type Progress, sleep } from '../../core/index.ts';
import { lifeOf, type ProcessMark, processMark } from '../run/holder.ts';

/** A command that was started, and what the run folder says of it until it has ended. */
interface BegunCommand {
  readonly process: ProcessMark;
  readonly purpose: string;
  readonly timeoutMs: number;
}

const lookMs = 200;

/** Says in the folder of the run that this process runs, before anything else happens. Disposal takes that back. */
export function noteCommand(
  runFolder: string,
  pid: number,
  { purpose, timeoutMs }: Pick<BegunCommand, 'purpose' | 'timeoutMs'>,
): Disposable {
  const file = join(folderIn(runFolder), `${pid}.json`);
  const note: BegunCommand = { process: processMark(pid), purpose, timeoutMs };
  // At once: the process that would do it a little later may be gone by then.
  mkdirSync(folderIn(runFolder), { recursive: true });
  writeFileSync(file, JSON.stringify(note));
  return { [Symbol.dispose]: () => rmSync(file, { force: true }) };
}

/**
 * A command outlives the process that was killed beside it. Resolves when none of them runs any more: whether it was done can only be seen then, and
 * nothing is begun or undone beside it. Errors: `run.failed` when one does not end in its time; `cancelled`.
 */
export async function untilCommandsEnd(
  runFolder: string,
  { signal, progress }: { readonly signal: AbortSignal; readonly progress: Progress },
): Promise<void> {
  const folder = folderIn(runFolder);
  for (const name of await readdir(folder).catch(() => [])) {
    const file = join(folder, name);
    const begun = parse(await readFile(file, 'utf8').catch(() => ''));
    if (begun) await untilEnded(begun, signal, progress);
    await rm(file, { force: true });
  }
}

async function untilEnded(
  { process, purpose, timeoutMs }: BegunCommand,
  signal: AbortSignal,
  progress: Progress,
): Promise<void> {
  const who = `process ${process.pid}, which was to ${purpose},`;
  for (let leftMs = timeoutMs; lifeOf(process) === 'alive'; leftMs -= lookMs) {
    if (leftMs === timeoutMs) progress({ type: 'note', message: `waiting until ${who} has ended` });
    if (leftMs <= 0) {
      throw new LifeboatError('run.failed', `${who} was begun before and still runs`, {
        hint: 'Nothing more was changed. See what it does; end it, or wait until it has ended, and go on.',
        context: { pid: process.pid },
      });
    }
    await sleep(lookMs, signal);
  }
}

/** Cut short by the death of its writer it says nothing. */
function parse(text: string): BegunCommand | undefined {
  try {
    const { process, purpose, timeoutMs } = JSON.parse(text) as BegunCommand;
    const isOne = Number.isSafeInteger(process.pid) && Number.isFinite(timeoutMs);
    return isOne ? { process, purpose, timeoutMs } : undefined;
  } catch {
    return undefined;
  }
}

function folderIn(runFolder: string): string {
  return join(runFolder, 'commands');
}
