import { tmpdir } from 'node:os';
import type { Configuration } from '../../../config/index.ts';
import { formatBytes } from '../../../core/index.ts';
import { freeBytes } from '../../../sources/index.ts';
import { chooseBase } from '../choose-base.ts';
import type { PlanFacts, SourceFacts } from '../facts.ts';
import type { Plan } from '../plan.ts';
import { ok, type PlanFinding, problem, warning } from './plan-finding.ts';

/** Beside the data: log, indexes that grow, files of the server. */
const spare = 1.1;
const copying = ['restore', 'restore-files', 'extract', 'rescue-rows'];

/** There is room for what is restored on this host, and again on each ground. */
export async function checkRoom(
  plan: Plan,
  facts: PlanFacts,
  configuration: Configuration,
): Promise<readonly PlanFinding[]> {
  const sources = facts.sources.filter(({ name }) =>
    plan.steps.some(
      ({ kind, input }) =>
        copying.includes(kind) && input.source === name && input.into !== 'in-place',
    ),
  );
  if (sources.length === 0) return [];
  const needed = sources.reduce((sum, source) => sum + bytesOf(source), 0) * spare;
  const folder = configuration.scratchFolder ?? tmpdir();
  return [
    judge(
      `this host (${folder})`,
      await freeBytes(folder),
      needed,
      'Free some space, or name a folder on another disk: `scratch`.',
    ),
    ...grounds(plan, sources),
  ];
}

function grounds(plan: Plan, sources: readonly SourceFacts[]): readonly PlanFinding[] {
  return sources.flatMap((source) => {
    const { ground, name } = source;
    const isDelivered = plan.steps.some(
      ({ kind, input }) => kind === 'deliver' && input.source === name,
    );
    if (ground === undefined || !isDelivered || ground.freeBytes === undefined) return [];
    return [
      judge(
        ground.text,
        ground.freeBytes,
        bytesOf(source) * spare,
        `Make room there, or set sources.${name}.ground to another place.`,
      ),
    ];
  });
}

function judge(
  where: string,
  free: number | undefined,
  needed: number,
  remedy: string,
): PlanFinding {
  const wanted = `${formatBytes(needed)} are needed`;
  if (free === undefined)
    return warning('room', `nobody knows how much room there is: ${where}`, wanted);
  const fact = `${formatBytes(free)} free: ${where}; ${wanted}`;
  return free >= needed ? ok('room', fact) : problem('room', fact, remedy);
}

function bytesOf(source: SourceFacts): number {
  return chooseBase(source, undefined).base?.bytes ?? 0;
}
