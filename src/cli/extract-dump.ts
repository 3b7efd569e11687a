import { ExitCode, formatBytes, formatDuration, LifeboatError } from '../core/index.ts';
import { extractDump } from '../recovery/index.ts';
import type { CommandContext } from './command.ts';
import { loadConfigured, openAnySource } from './configured.ts';
import { formatMoment } from './moment.ts';
import { parseTargetUrl } from './target-url.ts';

/** Whether the source that is meant (the only one, if none is named) holds dumps. */
export function isDumpSource(wanted: string | undefined, context: CommandContext): boolean {
  const { sources } = loadConfigured(context);
  const [only, other] = Object.keys(sources);
  const name = wanted ?? (other === undefined ? only : undefined);
  return name !== undefined && sources[name]?.kind === 'postgres-dump';
}

interface Values {
  readonly table?: readonly string[] | undefined;
  readonly schema?: readonly string[] | undefined;
  readonly database?: string | undefined;
  readonly into?: string | undefined;
  readonly toFile?: string | undefined;
  readonly sideSchema?: string | undefined;
  readonly at?: string | undefined;
  readonly beforeXid?: string | undefined;
  readonly snapshot?: string | undefined;
  readonly name?: string | undefined;
  readonly xid?: string | undefined;
  readonly withoutOwners?: boolean | undefined;
}

/** `lifeboat extract` of a source of dumps. */
export async function runExtractDump(
  wanted: string | undefined,
  options: Values,
  context: CommandContext,
): Promise<number> {
  if ((options.at ?? options.beforeXid ?? options.xid ?? options.name) !== undefined) {
    throw invalid('dumps have no moments in between', 'Choose one of `points` with --snapshot ID.');
  }
  if (options.into === undefined || (options.toFile ?? options.sideSchema) !== undefined) {
    throw invalid(
      'a stored dump is loaded with --into URL',
      'For a file: `lifeboat dump SNAPSHOT /databases/NAME.dump > FILE`.',
    );
  }
  if (options.table !== undefined) {
    throw invalid(
      'single tables are not taken out of a stored dump',
      'Load the database beside, or a --schema of it, and copy the table from there.',
    );
  }
  const connection = parseTargetUrl(options.into);
  await using opened = await openAnySource(context, wanted);
  const { output, signal } = context;
  const { source, repository } = opened;
  if (source.kind !== 'postgres-dump') throw invalid(`${source.name} holds no dumps`, '');
  const { snapshot } = options;
  const begun = performance.now();
  const extracted = await extractDump({
    source,
    repository,
    snapshot: snapshot === undefined ? undefined : await repository.findSnapshot(snapshot),
    database: options.database ?? source.settings.connection.database,
    schemas: options.schema ?? [],
    connection,
    withoutOwners: options.withoutOwners ?? false,
    signal,
    progress: output.progress,
  });
  const durationMs = Math.round(performance.now() - begun);
  output.report(
    {
      type: 'extract',
      source: source.name,
      to: 'server',
      targetDatabase: connection.database,
      ...extracted,
      durationMs,
    },
    ({ green }) =>
      `${green('✓')} ${extracted.database} as of ${formatMoment(new Date(extracted.time))} loaded into ${connection.database}: ${formatBytes(extracted.bytes)}, ${formatDuration(durationMs)}`,
  );
  return ExitCode.ok;
}

function invalid(fact: string, hint: string): LifeboatError {
  return new LifeboatError('usage.invalid', fact, { hint });
}
