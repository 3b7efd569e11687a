import { ExitCode, formatBytes, formatDuration } from '../../core/index.ts';
import { defineCommand, sourceArgument } from '../command.ts';
import { openConfiguredSource } from '../configured.ts';
import { nextCommand, programName } from '../next-command.ts';
import { countOf } from '../output/count.ts';

export const backup = defineCommand({
  description: `Takes a base backup over the replication protocol and stores it as a snapshot: a complete
data directory that stock restic restores and stock PostgreSQL starts. Page checksums are
verified on the way. Only what changed since the last one takes room. Exit code 3: the
snapshot is stored, but something about it must be known.`,
  examples: ['backup', 'backup database --json'],
  arguments: [sourceArgument],
  options: {},
  async run({ arguments: [wanted] }, context) {
    await using opened = await openConfiguredSource(context, wanted);
    const { output, signal } = context;
    const { source, repository } = opened;
    const summary = await source.backup({ repository, signal, progress: output.progress });
    for (const message of summary.warnings) output.warn(message);
    output.report({ type: 'backup', ...summary }, ({ green, dim }) =>
      [
        `${green('✓')} snapshot ${summary.snapshot.slice(0, 8)} of ${summary.source}: ${formatBytes(summary.bytesTotal)} in ${countOf(summary.filesTotal, 'file')}, ${formatDuration(summary.durationMs)}`,
        dim(`  new ${formatBytes(summary.bytesNew)}, stored ${formatBytes(summary.bytesStored)}`),
        dim(
          `  next: ${nextCommand(context, opened)('points', '')}    # from when to when can be restored`,
        ),
      ].join('\n'),
    );
    // The backup is stored; a server that does not answer this question does not change that.
    const unstreamed = await source.streamWarning(signal).catch(() => undefined);
    if (unstreamed) {
      output.warn(unstreamed, `Run \`${programName(context.environment)} serve\`, always.`);
    }
    return summary.warnings.length === 0 ? ExitCode.ok : ExitCode.partlyDone;
  },
});
