import type { Configuration } from '../config/index.ts';
import type { CommandContext } from './command.ts';

/** The next command to paste, for this configuration and source: `lifeboat --config FILE rescue database --xid 784`. */
export function nextCommand(
  context: Pick<CommandContext, 'configFile' | 'environment'>,
  opened: { readonly configuration: Configuration; readonly source: { readonly name: string } },
): (command: string, rest: string) => string {
  const config =
    context.configFile === undefined ? '' : `--config ${quoteArgument(context.configFile)} `;
  const isOnly = Object.keys(opened.configuration.sources).length === 1;
  const source = isOnly ? '' : ` ${opened.source.name}`;
  const program = programName(context.environment);
  return (command, rest) =>
    `${program} ${config}${command}${source}${rest === '' ? '' : ` ${rest}`}`;
}

/** How this program was called: from a checkout by npm's scripts, else by its name. */
export function programName(environment: NodeJS.ProcessEnv): string {
  const { npm_package_name: name, npm_lifecycle_event: script } = environment;
  const isScript = name === 'lifeboat' && (script === 'lifeboat' || script === 'demo');
  return isScript ? 'npm run -s lifeboat --' : 'lifeboat';
}

/** As a shell takes it for one word. */
export function quoteArgument(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
