import { isLifeboatError } from '../../../core/index.ts';
import { type DockerSurvey, surveyEngine } from '../../../platforms/index.ts';
import type { CommandContext } from '../../command.ts';
import { type Application, describeApplication } from './applications.ts';
import { storesOf } from './stores.ts';

/** For an engine that nobody named: whoever has none should not wait for it. */
const glanceMs = 3_000;
const lookMs = 60_000;

/** What the engine has that somebody named. Errors: as `surveyEngine`. */
export async function lookAtDocker({ environment, signal }: CommandContext): Promise<DockerSurvey> {
  return await surveyEngine({ environment, signal, timeoutMs: lookMs });
}

/** The same where there may be none; undefined: none answers. One that is there and does not is told of. Errors: `cancelled`. */
export async function glanceAtDocker(context: CommandContext): Promise<DockerSurvey | undefined> {
  const { environment, signal, output } = context;
  try {
    return await surveyEngine({ environment, signal, timeoutMs: glanceMs });
  } catch (error) {
    if (!isLifeboatError(error) || !error.code.startsWith('platform.')) throw error;
    const isInstalled = (error.cause as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT';
    if (isInstalled) output.say(({ dim }) => dim(`Docker is left aside: ${error.message}`));
    return undefined;
  }
}

export function tellApplications(
  applications: readonly Application[],
  { output }: CommandContext,
): void {
  if (applications.length === 0) return;
  const record = {
    type: 'applications-found',
    applications: applications.map(({ project, containers }) => ({
      ...(project === undefined ? {} : { project }),
      containers: containers.map(({ name, image, isRunning, server }) => ({
        ...{ name, image, isRunning },
        isPostgres: server !== undefined,
      })),
      stores: storesOf(containers).offered.map(({ kind, name }) => ({ kind, name })),
    })),
  };
  output.report(record, ({ dim }) =>
    applications.map((each) => dim(`found in Docker: ${describeApplication(each)}`)).join('\n'),
  );
}
