import { ExitCode, LifeboatError } from '../../core/index.ts';
import type {
  ForgetOptions,
  ForgetPlan,
  ForgetReport,
  Repository,
  RetentionPolicy,
} from '../../repository/index.ts';
import { logsNeededFrom, recoveryWindowChanges, windowOpeners } from '../../sources/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { configuredPromises } from '../configured-promises.ts';
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
interrupted backups stay and count for nothing, the newest unflagged one stays, while the newest is
flagged no unflagged one goes, and a base backup that opens a window that "retention: { window }"
of lifeboat.yaml promises stays. Takes the exclusive lock.`,
  examples: [
    'forget --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --dry-run',
    'forget --keep-within 30d --keep-within-monthly 2y --group-by source --prune',
    'forget --source web --keep-last 10 --keep-tag release',
    'forget --configured --dry-run',
    'forget 3f8a01c2 9b1d77e0',
  ],
  arguments: [{ name: '[snapshots...]', description: 'exactly these, instead of a policy' }],
  options: {
    ...retentionOptions,
    ...filterOptions,
    groupBy: { ...groupByOption, description: `${groupByOption.description} (default host,paths)` },
    configured: {
      flags: '--configured',
      description: 'for each source what `retention:` of lifeboat.yaml says, as `serve` does',
    },
    dryRun: { flags: '-n, --dry-run', description: 'only say what would go' },
    prune: { flags: '--prune', description: 'then remove what nothing needs any more' },
    wait: waitOption,
    repository: repositoryOption,
  },
  async run({ arguments: wanted, options }, context) {
    const { output, signal } = context;
    const dryRun = options.dryRun ?? false;
    const names = wanted.filter((each) => each !== undefined);
    const policy = policyOf(options);
    refuseMixture(names.length > 0, policy !== undefined, options.configured ?? false);
    // What the service consists of is loaded only where it is needed.
    const configured = options.configured
      ? (await import('../configured-forgets.ts')).configuredForgets(context, options.repository)
      : undefined;
    await using repository = await openChosenRepository(
      context,
      configured?.name ?? options.repository,
    );
    const promises = await configuredPromises(context, configured?.name ?? options.repository);
    const needed = () => windowOpeners(repository, promises, signal);
    const requests = configured?.requests ?? [
      await requestOf(repository, names, policy, options, context),
    ];
    let removed = 0;
    let failed = 0;
    let judged = 0;
    for (const request of requests) {
      const report = await repository.forget({
        ...request,
        needed,
        dryRun,
        beforeRemoval: (plan) => explain(plan, repository, dryRun, context),
        ...lockWait(options.wait),
        signal,
        progress: output.progress,
      });
      conclude(report, context);
      judged += report.keep.length + report.remove.length;
      removed += report.removed.length;
      failed += report.failed.length;
    }
    if (judged === 0) {
      output.warn(
        'no snapshot is meant',
        '`lifeboat snapshots` with the same --host, --tag, --path, --source shows which are.',
      );
    }
    if (options.prune && removed > 0) {
      const pruned = await repository.prune({
        logsNeeded: () => logsNeededFrom(repository, promises, signal),
        ...lockWait(options.wait),
        signal,
        progress: output.progress,
      });
      const { describePrune } = await import('./prune.ts');
      output.report({ type: 'prune', ...pruned }, () => describePrune(pruned));
    }
    return failed > 0 ? ExitCode.partlyDone : ExitCode.ok;
  },
});

async function requestOf(
  repository: Repository,
  names: readonly string[],
  policy: RetentionPolicy | undefined,
  options: Parameters<typeof filterOf>[0] & {
    readonly minimum: string | undefined;
    readonly groupBy: string | undefined;
  },
  context: CommandContext,
): Promise<ForgetOptions> {
  const filter = filterOf(options);
  const groupBy = options.groupBy === undefined ? {} : { groupBy: groupByOf(options.groupBy) };
  if (policy) return { policy, filter, ...groupBy };
  const minimum = minimumOf(options.minimum);
  const named = await namedSnapshots(repository, names, filter, context);
  const ids = named.map(({ id }) => id);
  return { ids, ...groupBy, ...(minimum === undefined ? {} : { minimum }) };
}

function refuseMixture(hasNames: boolean, hasPolicy: boolean, isConfigured: boolean): void {
  const given = [hasNames, hasPolicy, isConfigured].filter(Boolean).length;
  if (given === 1) return;
  throw new LifeboatError(
    'usage.invalid',
    given === 0
      ? 'neither snapshots nor a policy are given'
      : 'snapshots, --keep options and --configured exclude each other',
    {
      hint: 'Name snapshots, or give --keep options such as --keep-daily 7, or --configured. Try it with --dry-run.',
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
  output.report(record, ({ green, yellow, dim }) => {
    if (remove.length === 0)
      return `${green('✓')} nothing goes; ${countOf(keep.length, 'snapshot')} kept`;
    if (dryRun)
      return dim(
        `${countOf(remove.length, 'snapshot')} would go, ${keep.length} would stay; nothing was removed (--dry-run)`,
      );
    const mark = failed.length > 0 ? yellow('!') : green('✓');
    const staying = keep.length + failed.length;
    return `${mark} ${countOf(removed.length, 'snapshot')} removed, ${staying} stay`;
  });
}
