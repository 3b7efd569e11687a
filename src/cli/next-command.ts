import type { Configuration } from '../config/index.ts';
import type { CommandContext } from './command.ts';

/** The next command to paste, for this configuration and source: `lifeboat --config FILE rescue database --xid 784`. */
export function nextCommand(
  context: Pick<CommandContext, 'configFile'>,
  opened: { readonly configuration: Configuration; readonly source: { readonly name: string } },
): (command: string, rest: string) => string {
  const config =
    context.configFile === undefined ? '' : `--config ${quoteArgument(context.configFile)} `;
  const isOnly = Object.keys(opened.configuration.sources).length === 1;
  const source = isOnly ? '' : ` ${opened.source.name}`;
  return (command, rest) => `lifeboat ${config}${command}${source}${rest === '' ? '' : ` ${rest}`}`;
}

/** As a shell takes it for one word. */
function quoteArgument(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
