import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command as Commander, CommanderError, Command as NewCommander } from 'commander';
import { assert, LifeboatError } from '../core/index.ts';
import { runAudited } from './audit.ts';
import type { Command, CommandContext } from './command.ts';
import { type CommandEntry, commandGroups } from './commands/table.ts';

// The same depth from src/cli and from dist/cli.
const packageFile = join(import.meta.dirname, '..', '..', 'package.json');

type Run = (
  context: (configFile: string | undefined) => CommandContext,
) => Promise<number | undefined>;

/**
 * The command line as commander knows it. Only commands that `argv` mentions are loaded, so that
 * `lifeboat --help` loads none.
 */
export async function buildProgram(
  argv: readonly string[],
  table: readonly CommandEntry[],
  stdout: NodeJS.WriteStream,
  onCommand: (run: Run) => Promise<void>,
): Promise<Commander> {
  const about = JSON.parse(readFileSync(packageFile, 'utf8')) as {
    description: string;
    version: string;
  };
  const program = new NewCommander('lifeboat')
    .description(about.description)
    .version(about.version, '-V, --version', 'print the version')
    .option(
      '-c, --config <file>',
      'configuration file (default: LIFEBOAT_CONFIG, ./lifeboat.yaml, ...)',
    )
    .option('--json', 'JSON lines on standard output instead of text')
    .helpOption('-h, --help', 'show help')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      // Errors are reported by the edge, in text or JSON.
      writeErr: () => {},
    })
    .exitOverride()
    .commandsGroup(commandGroups.maintain)
    .addHelpText('after', firstHelp);
  for (const entry of table) {
    const sub = program
      .command(entry.name)
      .helpGroup(commandGroups[entry.group])
      .summary(entry.summary)
      .copyInheritedSettings(program);
    if (argv.includes(entry.name)) declare(sub, entry, await entry.load(), onCommand);
  }
  return program;
}

const firstHelp = `
Start here:
  lifeboat demo              see the whole story on a PostgreSQL of its own, in under a minute
  lifeboat init              write a configuration and create a repository for your server or folders
  lifeboat find-loss         data is missing right now: find what destroyed it

Exit codes: 0 ok, 1 failed, 2 usage, 3 partly done, 10 no repository, 11 locked, 12 wrong password, 130 cancelled`;

function declare(
  sub: Commander,
  entry: CommandEntry,
  command: Command,
  onCommand: (run: Run) => Promise<void>,
): void {
  sub.description(`${entry.summary}\n\n${reflowed(command.description)}`);
  for (const each of command.arguments) sub.argument(each.name, each.description);
  for (const [name, { flags, description, repeatable }] of Object.entries(command.options)) {
    const option = sub.createOption(flags, description);
    if (repeatable) option.argParser((text, former: string[] = []) => [...former, text]);
    assert(option.attributeName() === name, `option ${flags} is declared as ${name}`);
    sub.addOption(option);
  }
  const examples = command.examples.map((each) => `  lifeboat ${each}`).join('\n');
  sub.addHelpText('after', `\nExamples:\n${examples}`);
  sub.action(async (...parameters: unknown[]) => {
    // `[names...]` comes as a list.
    const values = parameters.slice(0, command.arguments.length).flat() as (string | undefined)[];
    const configFile = sub.optsWithGlobals<{ config?: string }>().config;
    refuseEmpty(command, values, sub.opts());
    const input = { arguments: values, options: sub.opts() };
    await onCommand((contextWith) => {
      const context = contextWith(configFile);
      return runAudited({ name: entry.name, input }, context, () => command.run(input, context));
    });
  });
}

/** `--target "$FOLDER"` without such a variable would be the current folder, and a path everything. Errors: `usage.invalid`. */
function refuseEmpty(
  { options }: Command,
  values: readonly (string | undefined)[],
  given: Readonly<Record<string, unknown>>,
): void {
  const isEmpty = (value: unknown) => typeof value === 'string' && value.trim() === '';
  const flag = Object.entries(options).find(
    ([name, { mayBeEmpty }]) => !mayBeEmpty && [given[name]].flat().some(isEmpty),
  )?.[1].flags;
  if (flag === undefined && !values.some(isEmpty)) return;
  const what = flag === undefined ? 'an argument' : flag.replace(/^-\w, /, '');
  throw new LifeboatError('usage.invalid', `${what} is empty`, {
    hint: 'Is a variable not set? Leave it out, or give a value.',
  });
}

/** Lines of a paragraph are joined, so that they break where the terminal ends; those of lists and indented ones stay. */
function reflowed(text: string): string {
  return text.replace(/([^\n])\n(?!\s|- )/g, '$1 ');
}

export function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof CommanderError;
}
