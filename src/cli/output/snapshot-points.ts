import type { Configuration } from '../../config/index.ts';
import { holdsFiles } from '../../config/index.ts';
import { formatBytes } from '../../core/index.ts';
import type { Snapshot } from '../../repository/index.ts';
import type { SourceKind } from '../../sources/index.ts';
import type { CommandContext } from '../command.ts';
import { formatMoment } from '../moment.ts';
import { nextCommand } from '../next-command.ts';
import { countOf } from './count.ts';
import type { Style } from './style.ts';

/** What `points` says of a source that has no log: each snapshot is a restore point, and there is nothing between them. */
export function tellSnapshotPoints(request: {
  readonly context: CommandContext;
  readonly configuration: Configuration;
  readonly source: { readonly name: string; readonly kind: SourceKind };
  /** Newest first. */
  readonly snapshots: readonly Snapshot[];
}): void {
  const { context, configuration, source, snapshots } = request;
  const { output } = context;
  const [newest] = snapshots;
  if (newest === undefined) {
    const backup = nextCommand(context, { configuration, source })('backup', '');
    output.say(({ yellow }) =>
      [
        yellow(`Nothing of ${source.name} can be restored: there is no snapshot.`),
        `  next: ${backup}    # take one now`,
      ].join('\n'),
    );
    return;
  }
  output.say(({ bold }) => bold(`${source.name} can be restored as it was at`));
  for (const snapshot of snapshots) {
    const { id, time, paths, summary } = snapshot;
    const { filesTotal, bytesTotal, bytesAdded } = summary ?? {};
    output.report(
      {
        type: 'snapshot',
        source: source.name,
        id,
        time,
        paths,
        filesTotal,
        bytesTotal,
        bytesAdded,
      },
      (style) => describeSnapshot(snapshot, style),
    );
  }
  const next = nextCommand(context, { configuration, source });
  const command = holdsFiles(source.kind)
    ? next('restore', '--target FOLDER')
    : next('extract', '--database NAME --into URL');
  output.say(({ dim }) => dim(`\n  next: ${command}    # the newest, or --snapshot ID`));
}

function describeSnapshot({ id, time, summary }: Snapshot, { dim }: Style): string {
  const facts =
    summary === undefined
      ? ''
      : `${formatBytes(summary.bytesTotal)} in ${countOf(summary.filesTotal, 'file')}  ${dim(`${formatBytes(summary.bytesAdded)} new`)}`;
  return `  ${id.slice(0, 8)}  ${formatMoment(time)}  ${facts}`;
}
