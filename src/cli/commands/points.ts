import { proofsOf } from '../../config/index.ts';
import { ExitCode, formatBytes, formatDuration } from '../../core/index.ts';
import { coverageOf, isValid, listProofs } from '../../recovery/index.ts';
import {
  gapsBetween,
  judgePromise,
  onlyByName,
  type PointSnapshot,
  type RecoveryPromise,
  type RecoveryWindow,
} from '../../sources/index.ts';
import { defineCommand, sourceArgument } from '../command.ts';
import { openAnySource } from '../configured.ts';
import { configuredPromises } from '../configured-promises.ts';
import { formatMoment } from '../moment.ts';
import { nextCommand, programName } from '../next-command.ts';
import { countOf } from '../output/count.ts';
import { describeSpan } from '../output/proof-status-text.ts';
import { tellSnapshotPoints } from '../output/snapshot-points.ts';
import type { Style } from '../output/style.ts';

export const points = defineCommand({
  description: `Lists what a source can be restored to. PostgreSQL: its recovery windows (to any moment in one it
can be restored), what of them was proven, the gaps between them, what the retention promises, and its snapshots; WAL that only the spool of this
machine holds counts too. Files and dumps: its snapshots.`,
  examples: ['points', 'points database --json'],
  arguments: [sourceArgument],
  options: {},
  async run({ arguments: [wanted] }, context) {
    await using opened = await openAnySource(context, wanted);
    const { output, signal } = context;
    const { source, repository } = opened;
    if (source.kind !== 'postgres') {
      const found = await source.snapshots({ repository, signal, progress: output.progress });
      tellSnapshotPoints({
        context,
        configuration: opened.configuration,
        source,
        snapshots: found,
      });
      return ExitCode.ok;
    }
    let isPassedOver = false;
    const { snapshots, windows, givenUp } = await source.points({
      repository,
      signal,
      progress: (event) => {
        isPassedOver ||= event.type === 'warning';
        output.progress(event);
      },
    });
    const proofs = await listProofs(repository, source.name);
    const { validForMs } = proofsOf(opened.configuration, source.name);
    const now = new Date();
    const valid = proofs.filter((proof) => isValid(proof, validForMs, now));
    const next = nextCommand(context, opened);
    const program = programName(context.environment);
    const about = { source: source.name };
    if (snapshots.length === 0) {
      output.say(({ yellow }) =>
        [
          yellow(
            `Nothing of ${source.name} can be restored: ${isPassedOver ? 'none of its snapshots can be read' : 'there is no snapshot'}.`,
          ),
          isPassedOver
            ? `  next: ${program} check    # what is damaged, and what \`repair\` can save`
            : `  next: ${program} serve    # stream the log; it takes the first backup at once`,
        ].join('\n'),
      );
    }
    const { repository: place } = opened.configuration.sources[source.name] ?? {};
    const promiseMs = (await configuredPromises(context, place)).get(source.name);
    const gaps = gapsBetween(windows, promiseMs);
    windows.forEach((window, index) => {
      const coverage = coverageOf(window, valid);
      output.report({ type: 'window', ...about, ...window, ...coverage }, (style) =>
        [
          ...(index === 0 ? [style.bold(`${source.name} can be restored to any moment in`)] : []),
          describeWindow(window, style),
          ...coverage.proven.map((span) => style.green(`      proven: ${describeSpan(span)}`)),
        ].join('\n'),
      );
      const gap = gaps.find(({ toLsn, to }) => toLsn === window.fromLsn && to === window.from);
      if (gap) {
        output.report({ type: 'gap', ...about, ...gap }, ({ red, dim }) => {
          const span = `${formatMoment(gap.from)} and ${formatMoment(gap.to)}`;
          if (!gap.isExpected) return red(`  gap: nothing between ${span}`);
          return dim(`  nothing between ${span}: older than the window that is kept`);
        });
      }
    });
    for (const window of givenUp.flatMap((each) => onlyByName(each, windows) ?? [])) {
      const after = window.afterLsn === undefined ? '' : `after ${window.afterLsn}, `;
      output.report({ type: 'given-up', ...about, ...window }, ({ dim }) =>
        dim(
          `  timeline ${window.timeline}, ${after}up to ${formatMoment(window.to)}, was given up when a recovery was taken back: by --timeline ${window.timeline} only`,
        ),
      );
    }
    const promise = promiseMs === undefined ? undefined : judgePromise(windows, promiseMs);
    if (promise) {
      output.report({ type: 'promise', ...about, ...promise }, (style) =>
        describePromise(promise, style),
      );
    }
    output.say(({ bold }) => (snapshots.length > 0 ? bold('\nsnapshots') : ''));
    for (const snapshot of snapshots) {
      const proof = proofs.find((each) => each.snapshot === snapshot.id);
      const proven = proof && { id: proof.id, time: proof.time, verdict: proof.verdict };
      const mark = proof && { verdict: proof.verdict, isValid: valid.includes(proof) };
      output.report({ type: 'snapshot', ...about, ...snapshot, proof: proven }, (style) =>
        describeSnapshot(snapshot, mark, style),
      );
    }
    const [newest] = windows;
    if (newest) {
      output.say(({ dim }) =>
        dim(
          `\n  next: ${next('open', `--at "${formatMoment(newest.to)}"`)}    # look at a moment; or restore --to FOLDER`,
        ),
      );
    }
    return ExitCode.ok;
  },
});

function describeWindow(window: RecoveryWindow, { green, dim, yellow }: Style): string {
  const { from, to, timeline, missingSegment } = window;
  const length = formatDuration(to.getTime() - from.getTime());
  const head =
    window.fromLsn === window.toLsn
      ? `  ${yellow('●')} ${formatMoment(from)} alone: no log after it is kept`
      : `  ${green('●')} from ${formatMoment(from)} to ${formatMoment(to, { ms: true })}  ${dim(`${length}, ${countOf(window.snapshots.length, 'snapshot')}`)}`;
  const lines = [head, dim(`      ${window.fromLsn} to ${window.toLsn}, timeline ${timeline}`)];
  if (missingSegment && window.fromLsn !== window.toLsn) {
    lines.push(
      yellow(
        `      the log goes on, but segment ${missingSegment} is missing: nothing later can be restored from here`,
      ),
    );
  }
  return lines.join('\n');
}

function describePromise({ spanMs, isReached }: RecoveryPromise, { dim, green }: Style): string {
  const promise = `any moment of the last ${formatDuration(spanMs)} is promised`;
  return isReached ? `  ${green('✓')} ${promise}` : dim(`  · ${promise}: there is not so much yet`);
}

/** `verdict` of the newest proof that began with it. */
type ProofMark = { readonly verdict: 'passed' | 'failed'; readonly isValid: boolean };

function describeSnapshot(
  snapshot: PointSnapshot,
  mark: ProofMark | undefined,
  { dim, yellow, green, red }: Style,
): string {
  const { id, time, bytesTotal, serverVersion, damagedPages, isGivenUp, timeline } = snapshot;
  const version = `PostgreSQL ${Math.floor(serverVersion / 10_000)}.${serverVersion % 10_000}`;
  const damage =
    damagedPages > 0 ? yellow(`  ${countOf(damagedPages, 'page')} damaged in the source`) : '';
  const proof =
    mark === undefined
      ? ''
      : mark.verdict === 'failed'
        ? red('  proof failed')
        : mark.isValid
          ? green('  proven')
          : dim('  proof expired');
  const branch = isGivenUp ? dim(`  of timeline ${timeline}, given up: by --snapshot only`) : '';
  return `  ${id.slice(0, 8)}  ${formatMoment(time)}  ${formatBytes(bytesTotal)}  ${dim(version)}${proof}${damage}${branch}`;
}
