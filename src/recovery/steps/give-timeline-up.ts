import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import { giveUpTimeline } from '../../sources/index.ts';
import type { StepContext } from './step-kind.ts';
import { backupContext, settingOf } from './step-source.ts';

/**
 * The former data of a cluster is back in place: its repositories are told that the timeline which the run began is given up, so that log and
 * backups go on with the former one. Returns what to add to what was done, in words. Errors: `run.failed`: its repository could not be told.
 */
export async function giveTimelineUp(source: string, context: StepContext): Promise<string> {
  const begun = begunBy(source, context);
  if (begun === undefined) return '';
  const { repository, alsoTo = [] } = await backupContext(source, context);
  const { incident, token, now } = context;
  const given = { ...begun, by: `${incident} run ${token}`, at: now() };
  let left: readonly number[];
  try {
    left = await giveUpTimeline({ repository, source }, given);
  } catch (error) {
    throw notTold(source, begun.timeline, error);
  }
  const untold: string[] = [];
  for (const other of alsoTo) {
    try {
      const opened = await other.open();
      await giveUpTimeline({ repository: opened, source }, given);
    } catch (error) {
      if (!isLifeboatError(error) || error.code === 'bug') throw error;
      untold.push(`; ${other.name} could not be told that: ${error.message}`);
    }
  }
  if (left.length === 0) return untold.join('');
  return `; timeline ${left.join(', ')} is given up, log and backups go on with the former one${untold.join('')}`;
}

/** The timeline that the restored copy began; undefined where there is none: a dump, a step of a former version. */
function begunBy(source: string, context: StepContext) {
  if (settingOf(source, context).kind !== 'postgres') return undefined;
  for (const { result } of Object.values(context.outcomes)) {
    const { timeline, history } = result;
    if (result.source !== source || typeof timeline !== 'number') continue;
    if (typeof history === 'string') return { timeline, history };
  }
  return undefined;
}

function notTold(source: string, timeline: number, cause: unknown): unknown {
  if (!isLifeboatError(cause) || cause.code === 'bug' || cause.code === 'cancelled') return cause;
  return new LifeboatError(
    'run.failed',
    `the former data of ${source} is back in place, but its repository could not be told that timeline ${timeline} is given up: ${cause.message}`,
    {
      hint: `Until it is, \`backup\` and \`serve\` take nothing of ${source} (postgres.old-primary).`,
      cause,
    },
  );
}
