import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { CommandContext } from '../command.ts';
import { programName, quoteArgument } from '../next-command.ts';
import type { Style } from '../output/style.ts';
import { contains } from './choose-files.ts';
import { roleSteps } from './role-steps.ts';
import type { SetupChoices } from './setup-choices.ts';

/** What to do after `init`, in order, as commands that can be pasted. */
export function nextSteps(
  choices: SetupChoices,
  configurationFolder: string,
  context: CommandContext,
  { bold, dim }: Style,
): readonly string[] {
  const { configFile, environment } = context;
  const config = configFile === undefined ? '' : ` --config ${quoteArgument(configFile)}`;
  const program = `${programName(environment)}${config}`;
  const { files, connection, server, services, volumes = [] } = choices;
  const stored = [...(files ? [files.name] : []), ...volumes.map(({ name }) => name)];
  const source = stored.length > 1 || connection ? ` ${stored[0]}` : '';
  const command = (text: string, why: string) => `${program} ${text.padEnd(9)} ${dim(`# ${why}`)}`;
  const trial = trialFolder(choices, context);
  const steps = [
    ...(connection ? roleSteps({ connection, server }, configurationFolder, dim) : []),
    [command('doctor', 'is everything as it should be?')],
    ...(services ? [[command('services', 'do they run, and write where it says?')]] : []),
    ...(stored.length > 0
      ? [
          [command(`backup${source}`, 'the first one reads everything, later ones what changed')],
          [
            `${program} restore${source} --target ${trial} --verify`,
            dim('# does it come back? Compare, then remove the folder'),
          ],
        ]
      : []),
    [
      command(
        'serve',
        `${connection ? 'stream the log, back up now and' : 'back up'} every night${choices.retention ? ', forget as retention says' : ''}; leave it running`,
      ),
    ],
    ...(services && connection
      ? [
          [
            command('plan database --drill --method full-restore', 'how all of it would come back'),
            dim('# (once the first backup is there; it changes nothing)'),
          ],
        ]
      : []),
  ];
  return [
    bold('Next'),
    ...steps.flatMap(([first, ...more], step) => [
      `  ${step + 1}. ${first}`,
      ...more.map((line) => `     ${line}`),
    ]),
    ...(services ? ['', `When something is wrong: ${bold(`${program} recover`)}`] : []),
    ...environmentNote(choices, environment),
  ];
}

/** Where a first restore goes: not into what is backed up. */
function trialFolder({ files }: SetupChoices, { folder }: CommandContext): string {
  const isInside = files?.paths.some((path) => contains(path, folder));
  return isInside ? join(tmpdir(), 'lifeboat-restored') : './lifeboat-restored';
}

/** What came from this shell's environment must be in that of the service too. */
function environmentNote(
  { location, password, volumes = [], services }: SetupChoices,
  { DOCKER_HOST }: NodeJS.ProcessEnv,
): readonly string[] {
  const usesDocker = volumes.length > 0 || services !== undefined;
  const parts = [
    ...(isAbsolute(location) ? [] : [`the credentials of ${location.split(':')[0]}:`]),
    ...('env' in password ? [password.env] : []),
    ...(usesDocker && DOCKER_HOST ? ['DOCKER_HOST'] : []),
  ];
  if (parts.length === 0) return [];
  return [
    '',
    `These commands need ${parts.join(' and ')} as this one had it, \`serve\` as a service too.`,
  ];
}
