import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import { adoptConfiguration } from '../adopt/adopt-configuration.ts';
import type { CommandContext } from '../command.ts';
import { loadConfigured } from '../configured.ts';
import { programName, quoteArgument } from '../next-command.ts';

/**
 * On a host without lifeboat.yaml it is fetched from the repository that is named, shown and allowed; without one the error says what to
 * type. Errors: `config.missing`, those of `adoptConfiguration`.
 */
export async function haveConfiguration(
  values: {
    readonly resume?: string | undefined;
    readonly repository?: string | undefined;
    readonly yes?: readonly string[] | undefined;
  },
  context: CommandContext,
): Promise<void> {
  const { repository: location, resume, yes = [] } = values;
  try {
    loadConfigured(context);
  } catch (error) {
    if (!isLifeboatError(error, 'config.missing')) throw error;
    if (location === undefined) throw twoCommands(error, resume, context);
    await adoptConfiguration(context, { location, yes });
    return;
  }
  if (location === undefined) return;
  context.output.progress({
    type: 'note',
    message: 'lifeboat.yaml is there already: nothing is fetched from --repository',
  });
}

function twoCommands(
  { message, hint = '', context: facts }: LifeboatError,
  resume: string | undefined,
  { environment, configFile }: CommandContext,
): LifeboatError {
  const config = configFile === undefined ? '' : ` --config ${quoteArgument(configFile)}`;
  const program = `${programName(environment)}${config}`;
  const second = `${program} recover ${resume === undefined ? '--status' : `--resume ${quoteArgument(resume)}`}`;
  return new LifeboatError('config.missing', message, {
    hint: `Was a recovery begun on another host? Its repository holds the configuration. Type: ${program} init --from-repository LOCATION --password-file FILE; then: ${second}. ${hint}`.trim(),
    context: facts,
  });
}
