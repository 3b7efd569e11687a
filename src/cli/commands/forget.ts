import { ExitCode, LifeboatError } from '../../core/index.ts';
import type {
  ForgetOptions,
  ForgetPlan,
  ForgetReport,
  Repository,
} from '../../repository/index.ts';
import { logsNeededFrom, recoveryWindowChanges } from '../../sources/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { countOf } from '../output/count.ts';
import { forgetTable } from '../output/forget-text.ts';
import { windowChangeText } from '../output/window-change.ts';
import { lockWait, waitOption } from '../quantity-options.ts';
import { minimumOf, policyOf, retentionOptions } from '../retention-options.ts';
import {
  filterOf,
  filterOptions,
  groupByOf,
  groupByOption,
  namedSnapshots,
} from '../snapshot-options.ts';

export const forget = defineCommand({
  description: `Removes snapshots that no rule keeps, or those that are named, and says of each why. What they alone
held stays until a prune. The rules mean what they mean to restic, for each group of snapshots by
itself. Above them: the newest 3 of each group stay (--minimum), snapshots dated in the future and
interrupted backups stay and count for nothing, the newest unflagged one stays, and while the newest is
flagged no unflagged one goes. Takes the exclusive lock.`,
  examples: [
    'forget --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --dry-run',
    'forget --keep-within 30d --keep-within-monthly 2y --group-by source --prune',
    'forget --source web --keep-last 10 --keep-tag release',
    'forget 3f8a01c2 9b1d77e0',
  ],
  arguments: [{ name: '[snapshots...]', description: 'exactly these, instead of a policy' }],
  options: {
    ...retentionOptions,
    ...filterOptions,
    groupBy: { ...groupByOption, description: `${groupByOption.description} (default host,paths)` },
    dryRun: { flags: '-n, --dry-run', description: 'only say what would go' },
    prune: { flags: '--prune', description: 'then remove what nothing needs any more' },
    wait: waitOption,
    repository: repositoryOption,
  },
  async run({ arguments: wanted, options }, context) {
    const { output, signal } = context;
    const names = wanted.filter((each) => each !== undefined);
    const policy = policyOf(options);
    refuseMixture(names.length, policy !== undefined);
    const dryRun = options.dryRun ?? false;
    await using repository = await openChosenRepository(context, options.repository);
    const filter = filterOf(options);
    const minimum = minimumOf(options.minimum);
    const what: ForgetOptions = policy
      ? { policy, filter }
      : {
          ids: (await namedSnapshots(repository, names, filter, context)).map(({ id }) => id),
          ...(minimum === undefined ? {} : { minimum }),
        };
    const report = await repository.forget({
      ...what,
      ...(options.groupBy === undefined ? {} : { groupBy: groupByOf(options.groupBy) }),
      dryRun,
      beforeRemoval: (plan) => explain(plan, repository, dryRun, context),
      ...lockWait(options.wait),
      signal,
      progress: output.progress,
    });
    conclude(report, context);
    if (options.prune && !dryRun && report.removed.length > 0) {
      const pruned = await repository.prune({
        logsFrom: await logsNeededFrom(repository, signal),
        ...lockWait(options.wait),
        signal,
        progress: output.progress,
      });
      const { describePrune } = await import('./prune.ts');
      output.report({ type: 'prune', ...pruned }, () => describePrune(pruned));
    }
    return report.failed.length > 0 ? ExitCode.partlyDone : ExitCode.ok;
  },
});

function refuseMixture(names: number, hasPolicy: boolean): void {
  if (names > 0 !== hasPolicy) return;
  throw new LifeboatError(
    'usage.invalid',
    hasPolicy
      ? 'snapshots are named and a policy is given'
      : 'neither snapshots nor a policy are given',
    {
      hint: 'Name snapshots, or give --keep options, for example --keep-daily 7. Try it with --dry-run.',
    },
  );
}

/** Before anything goes: all decisions, and what becomes of recovery windows. */
async function explain(
  plan: ForgetPlan,
  repository: Repository,
  dryRun: boolean,
  { output, signal }: CommandContext,
): Promise<void> {
  for (const group of plan.groups) {
    for (const { snapshot, ...decision } of group.decisions) {
      const { id, time, tags } = snapshot;
      output.report({ type: 'forget-decision', id, time, tags, ...decision, group: group.key });
    }
    output.say((style) => forgetTable(group, style));
  }
  const changes = await recoveryWindowChanges({
    repository,
    removed: plan.remove,
    signal,
    progress: output.progress,
  });
  for (const change of changes) {
    output.report({ type: 'window-change', ...change }, (style) =>
      windowChangeText(change, !dryRun, style),
    );
  }
}

function conclude(report: ForgetReport, { output }: CommandContext): void {
  const { keep, remove, removed, failed, dryRun } = report;
  for (const { id, problem } of failed) {
    output.warn(
      `snapshot ${id.slice(0, 8)} could not be removed: ${problem}`,
      'It is whole. The location may hold it back: a retention lock, or append-only access.',
    );
  }
  const record = {
    type: 'forget',
    dryRun,
    kept: keep.length,
    toRemove: remove.length,
    removed,
    failed,
  };
  output.report(record, ({ green, dim }) => {
    if (remove.length === 0)
      return `${green('✓')} nothing goes; ${countOf(keep.length, 'snapshot')} stay`;
    if (dryRun)
      return dim(
        `${countOf(remove.length, 'snapshot')} would go, ${keep.length} would stay; nothing was removed (--dry-run)`,
      );
    return `${green('✓')} ${countOf(removed.length, 'snapshot')} removed, ${keep.length} stay`;
  });
}
