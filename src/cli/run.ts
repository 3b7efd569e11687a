import type { CommanderError } from 'commander';
import { ExitCode, LifeboatError } from '../core/index.ts';
import { createAsk } from './ask.ts';
import type { CommandContext, Surroundings } from './command.ts';
import { commandTable } from './commands/table.ts';
import { reportError } from './output/error.ts';
import { JsonOutput } from './output/json.ts';
import type { Output } from './output/output.ts';
import { TerminalOutput } from './output/terminal.ts';
import { buildProgram, isCommanderError } from './program.ts';

/** Runs one command line and says with which exit code the process should end. Never throws. */
export async function runCommandLine(
  argv: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  // Wanted before the command line is parsed, because parsing itself may fail.
  const json = argv.includes('--json');
  const output: Output = json
    ? new JsonOutput(surroundings.stdout)
    : new TerminalOutput(surroundings.stdout, surroundings.stderr, surroundings.environment);
  try {
    return await parseAndRun(argv, surroundings, output, json);
  } catch (error) {
    return reportError(error, output);
  } finally {
    output.close();
  }
}

async function parseAndRun(
  argv: readonly string[],
  surroundings: Surroundings,
  output: Output,
  json: boolean,
): Promise<number> {
  let exitCode: number = ExitCode.ok;
  const { environment, folder, signal } = surroundings;
  const context = (configFile: string | undefined): CommandContext => ({
    output,
    signal,
    environment,
    folder,
    configFile,
    input: surroundings.stdin,
    ask: json ? undefined : createAsk(surroundings, output),
  });
  const program = await buildProgram(argv, commandTable, surroundings.stdout, async (run) => {
    exitCode = (await run(context)) ?? ExitCode.ok;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!isCommanderError(error)) throw error;
    if (error.exitCode === 0) return ExitCode.ok;
    if (isHelpWanted(error) && !json) program.outputHelp();
    throw new LifeboatError('usage.invalid', usageFact(error), {
      hint: 'Run the command with --help to see its arguments, options and examples.',
    });
  }
  return exitCode;
}

/** What commander answers to a command line without a command. */
function isHelpWanted(error: CommanderError): boolean {
  return error.message === '(outputHelp)';
}

function usageFact(error: CommanderError): string {
  if (isHelpWanted(error)) return 'no command given';
  return error.message.replace(/^error: /, '').replace(/\.$/, '');
}
