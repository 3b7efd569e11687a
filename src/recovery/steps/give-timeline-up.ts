import { type OpenByName, primaryPlace } from '../../sources/index.ts';
import type { StepContext } from './step-kind.ts';
import { postgresSource, settingOf } from './step-source.ts';

/**
 * The former data of a cluster is back in place: its repositories are told that the timeline which the run began is given up, so that log and
 * backups go on with the former one. One that does not answer is told later, by `serve` or `backup` of this host. Returns what to add to what
 * was done, in words.
 */
export async function giveTimelineUp(name: string, context: StepContext): Promise<string> {
  const begun = begunBy(name, context);
  if (begun === undefined) return '';
  const { surroundings, incident, token } = context;
  const source = await postgresSource(name, 'protect', context);
  const setting = settingOf(name, context);
  const others = setting.kind === 'postgres' ? (setting.alsoTo ?? []) : [];
  const open: OpenByName = new Map([
    [primaryPlace, () => surroundings.repositoryOf(name)] as const,
    ...others.map((each) => [each, () => surroundings.repository(each)] as const),
  ]);
  await source.owedMarks.owe({ ...begun, by: `${incident} run ${token}` }, [...open.keys()]);
  const { left, owed } = await source.owedMarks.deliver(open, { isLate: false });
  const marked =
    left.length === 0
      ? ''
      : `; timeline ${left.join(', ')} is given up, log and backups go on with the former one; any moment of it comes back by its name, beside: \`lifeboat restore ${name} --timeline ${begun.timeline} --to FOLDER\``;
  const untold = owed.map(
    ({ repository, problem }) =>
      `; ${repository === primaryPlace ? 'its repository' : repository} does not answer (${problem}): the next \`serve\` or \`backup\` on this host tells it that timeline ${begun.timeline} is given up`,
  );
  return `${marked}${untold.join('')}`;
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
