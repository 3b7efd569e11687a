import {
  ExitCode,
  formatBytes,
  formatDuration,
  isLifeboatError,
  LifeboatError,
} from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import { runService, type ServiceEvent } from '../../service/index.ts';
import { formatLsn } from '../../wal/index.ts';
import { defineCommand } from '../command.ts';
import { createConfiguredSource, loadConfigured, openConfiguredRepository } from '../configured.ts';
import { formatMoment } from '../moment.ts';
import type { Output } from '../output/output.ts';
import { StreamLog } from '../output/stream-log.ts';
import type { Style } from '../output/style.ts';

export const serve = defineCommand({
  description: `Streams the log of every source into the repository, takes base backups on schedule, and
records what table names mean. What fails is an alarm and tried again; the rest goes on.
One service per state folder. Ctrl-C or SIGTERM stops it in order, with exit code 0.`,
  examples: ['serve', 'serve --json >> /var/log/lifeboat.jsonl'],
  arguments: [],
  options: {},
  async run(_input, context) {
    const configuration = loadConfigured(context);
    const { output, signal } = context;
    if (Object.keys(configuration.sources).length === 0) {
      throw new LifeboatError('config.invalid', `${configuration.file}: no sources to protect`, {
        hint: 'Add one under `sources`.',
      });
    }
    await using repositories = new AsyncDisposableStack();
    const opened = new Map<string, Repository>();
    const sources = [];
    for (const [name, setting] of Object.entries(configuration.sources)) {
      const repositoryName = setting.repository as string;
      const repository =
        opened.get(repositoryName) ??
        repositories.use(await openConfiguredRepository(context, configuration, repositoryName));
      opened.set(repositoryName, repository);
      const source = await createConfiguredSource(context, configuration, name);
      sources.push({ source, repository, ...(setting.backup ? { backup: setting.backup } : {}) });
    }
    const streams = new StreamLog();
    const onEvent = (event: ServiceEvent) => render(event, output, streams);
    try {
      await runService({ sources, stateFolder: configuration.stateFolder, signal, onEvent });
    } catch (error) {
      if (!signal.aborted || !isLifeboatError(error, 'cancelled')) throw error;
    }
    return ExitCode.ok;
  },
});

function render(event: ServiceEvent, output: Output, streams: StreamLog): void {
  if (event.type === 'stream') {
    const { written, flushed, serverEnd, ...rest } = event;
    if (!streams.isWorthTelling(event, output.mode)) return;
    const text = (position: bigint | undefined) =>
      position === undefined ? undefined : formatLsn(position);
    const record = {
      ...rest,
      written: text(written),
      flushed: text(flushed),
      serverEnd: text(serverEnd),
    };
    const isNews = streams.isNews(event);
    output.report(
      record,
      isNews ? (style) => line(streams.describe(event, style), style) : undefined,
    );
    output.status((style) => streams.describe(event, style));
    return;
  }
  output.report({ ...event }, (style) => line(describe(event, style), style));
}

function line(text: string, { dim }: Style): string {
  return `${dim(formatMoment(new Date()))}  ${text}`;
}

function describe(event: Exclude<ServiceEvent, { type: 'stream' }>, style: Style): string {
  const { red, green, dim, bold } = style;
  switch (event.type) {
    case 'service-started':
      return `protecting ${bold(event.sources.join(', '))}; stop with Ctrl-C`;
    case 'service-stopped':
      return 'stopped in order; streaming goes on here at the next start';
    case 'backup-started':
      return `${event.source}: base backup begins (${event.reason})`;
    case 'backup': {
      const sizes = `${formatBytes(event.bytesTotal)}, ${formatBytes(event.bytesStored)} stored`;
      const warnings = event.warnings.map((each) => `\n    ${style.yellow('warning:')} ${each}`);
      return `${green('✓')} ${event.source}: snapshot ${event.snapshot.slice(0, 8)}, ${sizes}, ${formatDuration(event.durationMs)}${warnings.join('')}`;
    }
    case 'next-backup':
      return dim(`${event.source}: next base backup ${formatMoment(event.time)}`);
    case 'catalog':
      return dim(`${event.source}: recorded the names in ${event.databases} databases`);
    case 'alarm':
      return [
        `${red('ALARM')} ${event.source}: ${event.message} ${dim(`[${event.code}]`)}`,
        ...(event.hint ? [`    ${event.hint}`] : []),
        `    ${event.action}`,
      ].join('\n');
  }
}
