import { integrityOf, parseByteSize } from '../../config/index.ts';
import { ExitCode, LifeboatError } from '../../core/index.ts';
import { checkLive, userChecksOf } from '../../recovery/index.ts';
import { defineCommand, sourceArgument } from '../command.ts';
import { openConfiguredSource } from '../configured.ts';
import { describeIntegrity } from '../output/proof-text.ts';

export const integrity = defineCommand({
  description: `Checks the data of the live server, as \`prove\` does with a copy: page checksums, indexes, tables,
foreign keys, your own checks. It only reads, takes no lock but a reader's, adds no extension, and
reads no faster than a rate. What it may not do is named, with the SQL that would allow it. Of a
damaged page it names the newest snapshot that still holds it intact. Exit code 1 when something
does not hold.`,
  examples: ['integrity', 'integrity database --rate "5 MiB"'],
  arguments: [sourceArgument],
  options: {
    rate: {
      flags: '--rate <size>',
      description: 'bytes per second, such as "5 MiB"; default: as configured, else 20 MiB',
    },
  },
  async run({ arguments: [wanted], options }, context) {
    await using opened = await openConfiguredSource(context, wanted);
    const { output, signal } = context;
    const { source, repository, configuration } = opened;
    const bytesPerSecond =
      rateOf(options.rate) ?? integrityOf(configuration, source.name).bytesPerSecond;
    const setting = configuration.sources[source.name];
    const report = await checkLive({
      source,
      repository,
      userChecks: setting?.kind === 'postgres' ? userChecksOf(source, setting) : [],
      ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
      signal,
      progress: output.progress,
    });
    output.report({ type: 'integrity', ...report }, (style) => describeIntegrity(report, style));
    return report.verdict === 'passed' ? ExitCode.ok : ExitCode.failed;
  },
});

function rateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bytes = parseByteSize(text);
  if (bytes !== undefined && bytes > 0) return bytes;
  throw new LifeboatError('usage.invalid', `not a rate: ${JSON.stringify(text)}`, {
    hint: 'A size per second, such as "5 MiB".',
  });
}
