import { createInterface } from 'node:readline';
import { isLifeboatError, LifeboatError } from '../core/index.ts';
import type { LookAround, PausedServer, PostgresSource, RecoveryTarget } from '../sources/index.ts';
import { formatLsn } from '../wal/index.ts';
import type { CommandContext } from './command.ts';
import { formatMoment } from './moment.ts';
import { describeServer } from './open-server.ts';
import { type Movement, parsePauseCommand, pauseHelp } from './pause-command.ts';

/** Option of the commands that can stand still at a moment. */
export const pauseOption = {
  flags: '--pause',
  description:
    'stand still there, open for reading: look, go on or back, accept; commands come from the terminal or standard input',
} as const;

/** The copy is to be made anew, for an earlier moment. */
export class GoBack extends Error {
  readonly target: RecoveryTarget;

  constructor(target: RecoveryTarget) {
    super('an earlier moment is wanted');
    this.target = target;
  }
}

export interface LookAroundOptions {
  readonly context: CommandContext;
  readonly source: PostgresSource;
  readonly target: RecoveryTarget;
  /** Another copy can be made for an earlier moment. */
  readonly canGoBack: boolean;
  /** What comes in, kept over several copies. */
  readonly lines: AsyncIterator<string>;
}

/** Lines of a script on standard input; of a terminal they are asked for one by one. */
export function pauseLines(context: CommandContext): AsyncIterator<string> {
  const { ask, input, signal } = context;
  if (!ask) return linesOf(input, signal);
  return (async function* () {
    for (;;) yield await ask.text('next, next 5m, back 5m, to MOMENT, where, accept, quit');
  })();
}

async function* linesOf(
  input: NodeJS.ReadableStream | undefined,
  signal: AbortSignal,
): AsyncGenerator<string, undefined> {
  if (input) yield* createInterface({ input, signal });
  return undefined;
}

/**
 * Says where the copy stands and does what is said, until it is accepted. Throws `cancelled` when it is given up, `GoBack`
 * when an earlier moment is wanted. What cannot be done is told, and the copy stands where it stood.
 */
export function lookAround(options: LookAroundOptions): LookAround {
  const { context, lines } = options;
  const { output, signal } = context;
  return async (server) => {
    let clock = options.target.kind === 'time' ? options.target.time : undefined;
    await tellWhere(options, server, true);
    for (;;) {
      const line = await lines.next();
      if (signal.aborted || line.done) throw givenUp();
      if (line.value.trim() === '') continue;
      try {
        const command = parsePauseCommand(line.value, new Date());
        if (command.kind === 'accept') return;
        if (command.kind === 'quit') throw givenUp();
        const isQuestion = command.kind === 'where';
        if (command.kind !== 'where') clock = await move(server, command, clock, options);
        await tellWhere(options, server, isQuestion);
      } catch (error) {
        if (!isLifeboatError(error) || !isHarmless(error) || !server.isStanding()) throw error;
        output.warn(error.message, error.hint);
      }
    }
  };
}

/** What a wish may be answered with that nobody can fulfil. */
function isHarmless({ code }: LifeboatError): boolean {
  return code === 'usage.invalid' || code.startsWith('target.') || code === 'log.gap';
}

/** Returns the time that the copy stands at, where one was asked for. */
async function move(
  server: PausedServer,
  command: Movement,
  clock: Date | undefined,
  { canGoBack }: LookAroundOptions,
): Promise<Date | undefined> {
  if (command.kind === 'next-commit') {
    const next = await server.nextCommit();
    if (!next) {
      throw new LifeboatError('target.outside-window', 'that was the last transaction in the log', {
        hint: 'Accept it, or go to another moment.',
      });
    }
    await server.goOn({ kind: 'lsn', lsn: next.lsn, inclusive: true });
    return undefined;
  }
  const target = command.kind === 'to' ? command.target : await shifted(server, command, clock);
  try {
    await server.goOn(target);
  } catch (error) {
    // What is behind needs a copy of its own.
    if (canGoBack && isLifeboatError(error, 'target.behind')) throw new GoBack(target);
    throw error;
  }
  return target.kind === 'time' ? target.time : undefined;
}

async function shifted(
  server: PausedServer,
  { kind, ms }: { readonly kind: 'forward' | 'back'; readonly ms: number },
  clock: Date | undefined,
): Promise<RecoveryTarget> {
  const from = clock ?? (await server.where()).lastCommit;
  if (!from) {
    throw new LifeboatError('target.outside-window', 'no transaction says what time it is there', {
      hint: 'Name a time: to 2026-11-21 14:29 UTC.',
    });
  }
  return { kind: 'time', time: new Date(from.getTime() + (kind === 'forward' ? ms : -ms)) };
}

async function tellWhere(
  { context, source }: LookAroundOptions,
  server: PausedServer,
  isWhole: boolean,
): Promise<void> {
  const { lsn, timeline, lastCommit } = await server.where();
  const described = describeServer(server, source.settings.connection.database, true);
  const record = {
    type: 'paused',
    source: source.name,
    lsn: formatLsn(lsn),
    timeline,
    ...(lastCommit ? { lastCommit: lastCommit.toISOString() } : {}),
    ...described.record,
  };
  context.output.report(record, ({ green, bold, dim }) =>
    [
      `${green('‖')} ${source.name} stands at ${lastCommit ? `${bold(formatMoment(lastCommit, { ms: true }))}, its last commit` : 'the end of the snapshot'} ${dim(`(${formatLsn(lsn)}, timeline ${timeline}), read-only`)}`,
      ...(isWhole
        ? [
            '',
            `    ${bold(described.psql)}`,
            '',
            ...pauseHelp.map(([example, meaning]) => dim(`  ${example.padEnd(12)} ${meaning}`)),
          ]
        : []),
    ].join('\n'),
  );
}

function givenUp(): LifeboatError {
  return new LifeboatError('cancelled', 'the copy was given up');
}
