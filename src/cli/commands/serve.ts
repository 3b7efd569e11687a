import type { Configuration } from '../../config/index.ts';
import { ExitCode, isLifeboatError, LifeboatError } from '../../core/index.ts';
import { createPlatforms } from '../../platforms/index.ts';
import type { Repository } from '../../repository/index.ts';
import { runService, type ServiceEvent } from '../../service/index.ts';
import type { AnySource } from '../../sources/index.ts';
import { formatLsn } from '../../wal/index.ts';
import { checkSurroundings } from '../check-surroundings.ts';
import { defineCommand } from '../command.ts';
import { createConfiguredSource, loadConfigured, openConfiguredRepository } from '../configured.ts';
import { keepConfiguration } from '../keep-configuration.ts';
import { formatMoment } from '../moment.ts';
import type { Output } from '../output/output.ts';
import { describeEvent } from '../output/service-text.ts';
import { StreamLog } from '../output/stream-log.ts';
import type { Style } from '../output/style.ts';

export const serve = defineCommand({
  description: `Streams the log of every PostgreSQL source into its repository and records what table names
mean; takes backups of all sources on schedule; after each forgets what the retention lets go and
copies to other repositories; prunes and checks on schedule, never in the way of a backup of its
own. What fails is an alarm and tried again; the rest goes on. One service per state folder.
Ctrl-C or SIGTERM stops it in order, with exit code 0.`,
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
    await using opened = new AsyncDisposableStack();
    const repositories = new Map<string, () => Promise<Repository>>();
    for (const name of neededRepositories(configuration)) {
      repositories.set(name, async () => {
        return opened.use(await openConfiguredRepository(context, configuration, name));
      });
    }
    const sources: AnySource[] = [];
    for (const name of Object.keys(configuration.sources)) {
      sources.push(await createConfiguredSource(context, configuration, name));
    }
    const streams = new StreamLog();
    const onEvent = (event: ServiceEvent) => render(event, output, streams);
    try {
      const platforms = createPlatforms({ environment: context.environment });
      const checks = () => checkSurroundings(context);
      const work = { configuration, repositories, sources, platforms, checks };
      const keep = () => keepConfiguration(context, configuration);
      await runService({ ...work, keepConfiguration: keep, signal, onEvent });
    } catch (error) {
      if (!signal.aborted || !isLifeboatError(error, 'cancelled')) throw error;
    }
    return ExitCode.ok;
  },
});

/** Those that sources go to, their copies, and those with a schedule of their own. */
function neededRepositories({ repositories, sources }: Configuration): readonly string[] {
  const needed = new Set(Object.values(sources).map(({ repository }) => repository));
  for (const source of Object.values(sources)) {
    if (source.kind === 'postgres') for (const name of source.alsoTo ?? []) needed.add(name);
  }
  const entries = Object.entries(repositories);
  for (const [name, { copyFrom, prune, check }] of entries) {
    if (copyFrom ?? prune ?? check) needed.add(name).add(copyFrom);
  }
  return entries.map(([name]) => name).filter((name) => needed.has(name));
}

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
  output.report({ ...event }, (style) => line(describeEvent(event, style), style));
}

function line(text: string, { dim }: Style): string {
  return `${dim(formatMoment(new Date()))}  ${text}`;
}
