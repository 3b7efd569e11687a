import { type OpenByName, primaryPlace } from '../../sources/index.ts';
import type { Ground } from '../ground/ground.ts';
import type { StepContext } from './step-kind.ts';
import { postgresSource, settingOf } from './step-source.ts';

/**
 * The former data of a cluster is back in place: its repositories are told that the timeline which the run began is given up, so that log and
 * backups go on with the former one. One that does not answer is told later, by `serve` or `backup` of this host. Returns what to add to what
 * was done, in words. Where another cluster lay in its place and is back, there is no former one to go on with: what was recovered stays the
 * newest state of ours.
 */
export async function giveTimelineUp(
  name: string,
  ground: Pick<Ground, 'contents'>,
  context: StepContext,
): Promise<string> {
  const restored = restoredOf(name, context);
  if (restored === undefined) return '';
  const { systemId, ...begun } = restored;
  const there = (await ground.contents(context))?.systemId;
  if (there !== undefined && systemId !== undefined && there !== systemId) {
    return `; what is there now is another cluster (${there}) than that of ${name} (${systemId}): no timeline is given up, and its log and backups wait until its own data is back: \`lifeboat recover ${name}\`; if the other one is to be kept, give it another source name in lifeboat.yaml`;
  }
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

/** The cluster, and the timeline that the restored copy began; undefined where there is none: a dump, a step of a former version. */
function restoredOf(source: string, context: StepContext) {
  if (settingOf(source, context).kind !== 'postgres') return undefined;
  for (const { result } of Object.values(context.outcomes)) {
    const { timeline, history, systemId } = result;
    if (result.source !== source || typeof timeline !== 'number') continue;
    if (typeof history !== 'string') continue;
    return { timeline, history, systemId: typeof systemId === 'string' ? systemId : undefined };
  }
  return undefined;
}
