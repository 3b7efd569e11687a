import { isLifeboatError } from '../core/index.ts';
import type { Tell } from '../recovery/index.ts';
import { type AuditedInput, auditedCommands } from './audited-commands.ts';
import type { CommandContext } from './command.ts';
import type { IncidentDesk } from './incident/incident-desk.ts';
import { quoteArgument } from './next-command.ts';
import { quietOutput } from './output/quiet.ts';

/** A command waits that long for repositories to get the entry; what was not sent goes with the next one. */
const sendWithinMs = 5000;

/**
 * Runs a command, and enters into every incident that is open on this host that it was begun, how it ended, and how long it took. What
 * cannot be entered is a warning: in the middle of an incident nothing may keep a recovery from going on, and no repository is waited for
 * before it has begun.
 */
export async function runAudited(
  command: { readonly name: string; readonly input: AuditedInput },
  context: CommandContext,
  run: () => Promise<number | undefined>,
): Promise<number | undefined> {
  const { name, input } = command;
  const isEntered = Object.hasOwn(auditedCommands, name) && auditedCommands[name]?.(input);
  if (!isEntered) return await run();
  await using trail = await openTrail(context);
  const line = commandLine(name, input);
  const data = dataOf(command);
  await trail.tell({ event: 'command.started', text: `ran: ${line}`, data });
  const startedAtMs = performance.now();
  const ended = async (outcome: string, result: Readonly<Record<string, unknown>>) => {
    const durationMs = performance.now() - startedAtMs;
    const text = `${outcome}: ${line}`;
    await trail.tell({ event: 'command.ended', text, durationMs, data: { ...data, ...result } });
  };
  try {
    const exitCode = (await run()) ?? 0;
    await ended(exitCode === 0 ? 'done' : `ended with exit code ${exitCode}`, { exitCode });
    return exitCode;
  } catch (error) {
    const fact = error instanceof Error ? error.message : String(error);
    await ended(`failed (${fact})`, { error: isLifeboatError(error) ? error.code : 'bug' });
    throw error;
  }
}

interface Trail extends AsyncDisposable {
  tell: Tell;
}

/** Never fails, and what it tells is never the reason that something else does. */
async function openTrail(context: CommandContext): Promise<Trail> {
  const guarded = async (what: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      const fact = error instanceof Error ? error.message : String(error);
      context.output.warn(`the timeline of the incident did not get ${what}: ${fact}`);
    }
  };
  let desk: IncidentDesk | undefined;
  await guarded('this command', async () => {
    const { openDesk } = await import('./incident/incident-desk.ts');
    // What is wrong with the configuration is told by the command itself; a signal that ends it does not end the entry about it.
    const signal = new AbortController().signal;
    const quiet = { ...context, output: quietOutput, signal, ask: undefined };
    desk = await openDesk(quiet, { sendWithinMs });
  });
  return {
    tell: (entry) => guarded(`"${entry.text}"`, async () => await desk?.incidents.tellOpen(entry)),
    [Symbol.asyncDispose]: () =>
      guarded('all of it', async () => await desk?.[Symbol.asyncDispose]()),
  };
}

function dataOf({ name, input }: { readonly name: string; readonly input: AuditedInput }) {
  const given = Object.entries(input.options).filter(([, value]) => value !== undefined);
  return {
    command: name,
    arguments: input.arguments.filter((each) => each !== undefined),
    options: Object.fromEntries(given),
  };
}

/** As it could be typed again. Secrets never are arguments; those in URLs are taken out where it is kept. */
function commandLine(name: string, input: AuditedInput): string {
  const { arguments: words, options } = dataOf({ name, input });
  const flags = Object.entries(options).flatMap(([key, value]) => {
    const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === true) return [flag];
    return [value].flat().flatMap((each) => [flag, quoteArgument(String(each))]);
  });
  return ['lifeboat', name, ...words.map((each) => quoteArgument(String(each))), ...flags].join(
    ' ',
  );
}
