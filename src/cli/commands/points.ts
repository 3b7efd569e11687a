import { ExitCode, formatBytes, formatDuration } from '../../core/index.ts';
import type { PointSnapshot, RecoveryWindow } from '../../sources/index.ts';
import { defineCommand, sourceArgument } from '../command.ts';
import { openAnySource } from '../configured.ts';
import { formatMoment } from '../moment.ts';
import { nextCommand, programName } from '../next-command.ts';
import { countOf } from '../output/count.ts';
import { tellFilesPoints } from '../output/files-points.ts';
import type { Style } from '../output/style.ts';

export const points = defineCommand({
  description: `Lists what a source can be restored to. PostgreSQL: its recovery windows (to any moment in one it
can be restored), the gaps between them, and its snapshots; WAL that only the spool of this
machine holds counts too. Files: its snapshots.`,
  examples: ['points', 'points database --json'],
  arguments: [sourceArgument],
  options: {},
  async run({ arguments: [wanted] }, context) {
    await using opened = await openAnySource(context, wanted);
    const { output, signal } = context;
    const { source, repository } = opened;
    if (source.kind === 'files') {
      const found = await source.snapshots({ repository, signal, progress: output.progress });
      tellFilesPoints({ context, configuration: opened.configuration, source, snapshots: found });
      return ExitCode.ok;
    }
    const { snapshots, windows } = await source.points({
      repository,
      signal,
      progress: output.progress,
    });
    const next = nextCommand(context, opened);
    const program = programName(context.environment);
    const about = { source: source.name };
    if (snapshots.length === 0) {
      output.say(({ yellow }) =>
        [
          yellow(`Nothing of ${source.name} can be restored: there is no snapshot.`),
          `  next: ${program} serve    # stream the log; it takes the first backup at once`,
        ].join('\n'),
      );
    }
    windows.forEach((window, index) => {
      output.report({ type: 'window', ...about, ...window }, (style) =>
        [
          ...(index === 0 ? [style.bold(`${source.name} can be restored to any moment in`)] : []),
          describeWindow(window, style),
        ].join('\n'),
      );
      const older = windows[index + 1];
      if (older) {
        const gap = {
          fromLsn: older.toLsn,
          toLsn: window.fromLsn,
          from: older.to,
          to: window.from,
        };
        output.report({ type: 'gap', ...about, ...gap }, ({ red }) =>
          red(`  gap: nothing between ${formatMoment(older.to)} and ${formatMoment(window.from)}`),
        );
      }
    });
    output.say(({ bold }) => (snapshots.length > 0 ? bold('\nsnapshots') : ''));
    for (const snapshot of snapshots) {
      output.report({ type: 'snapshot', ...about, ...snapshot }, (style) =>
        describeSnapshot(snapshot, style),
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
      ? `  ${yellow('●')} ${formatMoment(from)} alone: there is no log after it`
      : `  ${green('●')} from ${formatMoment(from)} to ${formatMoment(to, { ms: true })}  ${dim(`${length}, ${countOf(window.snapshots.length, 'snapshot')}`)}`;
  const lines = [head, dim(`      ${window.fromLsn} to ${window.toLsn}, timeline ${timeline}`)];
  if (missingSegment) {
    lines.push(
      yellow(
        `      the log goes on, but segment ${missingSegment} is missing: nothing later can be restored from here`,
      ),
    );
  }
  return lines.join('\n');
}

function describeSnapshot(snapshot: PointSnapshot, { dim, yellow }: Style): string {
  const { id, time, bytesTotal, serverVersion, damagedPages } = snapshot;
  const version = `PostgreSQL ${Math.floor(serverVersion / 10_000)}.${serverVersion % 10_000}`;
  const damage =
    damagedPages > 0 ? yellow(`  ${countOf(damagedPages, 'page')} damaged in the source`) : '';
  return `  ${id.slice(0, 8)}  ${formatMoment(time)}  ${formatBytes(bytesTotal)}  ${dim(version)}${damage}`;
}
