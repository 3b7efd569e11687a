import { resolve } from 'node:path';
import { ExitCode, formatBytes, formatDuration, LifeboatError } from '../../core/index.ts';
import {
  type Destination,
  dumpFormats,
  extractParts,
  parseTableName,
} from '../../recovery/index.ts';
import type { PostgresSource } from '../../sources/index.ts';
import { chooseBase, chooseTarget, targetOptions } from '../choose-target.ts';
import {
  type CommandContext,
  defineCommand,
  type OptionValues,
  sourceArgument,
} from '../command.ts';
import { openConfiguredSource } from '../configured.ts';
import { isDumpSource, runExtractDump } from '../extract-dump.ts';
import { countOf } from '../output/count.ts';
import { describeExtracted } from '../output/extract-text.ts';
import { describeTarget } from '../target.ts';
import { parseTargetUrl } from '../target-url.ts';

const partOptions = {
  table: {
    flags: '--table <name>',
    description: 'a table, as schema.table, with its indexes, constraints, sequences, rights',
    repeatable: true,
  },
  schema: { flags: '--schema <name>', description: 'a whole schema', repeatable: true },
  database: {
    flags: '--database <name>',
    description: 'the database; alone: all of it. Default: the one the source connects to',
  },
  toFile: {
    flags: '--to-file <path>',
    description: 'into a new file that pg_restore or psql reads',
  },
  format: {
    flags: '--format <format>',
    description: 'of the file: custom (default), plain, directory',
  },
  into: {
    flags: '--into <url>',
    description:
      'into a database of another server; its password from PGPASSWORD or ~/.pgpass, not in the URL',
  },
  wholeCopy: {
    flags: '--whole-copy',
    description: 'restore the whole cluster for it, not only what is needed',
  },
  withoutOwners: {
    flags: '--without-owners',
    description: 'of a source of dumps: without owners and rights',
  },
  sideSchema: {
    flags: '--side-schema <name>',
    description: 'into the live database, as a new schema beside what is there',
  },
} as const;

export const extract = defineCommand({
  description: `Takes a database, schemas or tables out of any moment: into a file, into another server, or into a
new schema of the live database, to compare and copy rows with SQL. A private server is opened on a
copy at that moment; what exists already is never changed: the target gains everything in one
transaction, or nothing. Of a source of dumps, the newest one is loaded (--database, --into,
--snapshot, --schema). What could not come along (foreign keys to other tables, triggers, owners
that are missing) is named, with the SQL that brings it back.`,
  examples: [
    'extract --table shop.orders --before-xid 784 --side-schema rescued',
    'extract database --schema shop --at "10 minutes ago" --to-file shop.dump',
    'extract --database crm --at latest --into postgres://admin@other:5432/crm_copy',
    'extract shop-dumps --database shop --into postgres://admin@other:5432/shop',
  ],
  arguments: [sourceArgument],
  options: { ...partOptions, ...targetOptions },
  async run({ arguments: [wanted], options }, context) {
    if (isDumpSource(wanted, context)) return await runExtractDump(wanted, options, context);
    checkParts(options);
    await using opened = await openConfiguredSource(context, wanted, 'rescue');
    const { output, signal } = context;
    const { source, repository } = opened;
    const destination = chooseDestination(options, source, context);
    const target = await chooseTarget(options, opened, context);
    const begun = performance.now();
    const extracted = await extractParts({
      source,
      repository,
      target,
      ...(await chooseBase(options, repository)),
      wanted: {
        database: options.database ?? source.settings.connection.database,
        schemas: options.schema ?? [],
        tables: (options.table ?? []).map(parseTableName),
      },
      destination,
      ...(options.wholeCopy ? { wholeCopy: true } : {}),
      signal,
      progress: output.progress,
    });
    const durationMs = Math.round(performance.now() - begun);
    const place = placeOf(destination);
    output.report(
      { type: 'extract', source: source.name, ...place, ...extracted, durationMs },
      (style) =>
        [
          `${style.green('✓')} ${countOf(extracted.tables.length, 'table')} of ${extracted.database}: ${describeTarget(target)}`,
          `  ${formatBytes(extracted.bytes)} by pg_dump ${extracted.client}, log replayed up to ${extracted.reached}, ${formatDuration(durationMs)}`,
          style.dim(
            `  restored for it: ${formatBytes(extracted.restoredBytes)} of the ${formatBytes(extracted.snapshotBytes)} of the snapshot`,
          ),
          ...describeExtracted(destination, extracted, style),
        ].join('\n'),
    );
    return ExitCode.ok;
  },
});

type PartValues = OptionValues<typeof partOptions>;

function checkParts({ table, schema, database }: PartValues): void {
  if (table !== undefined && schema !== undefined) {
    throw invalid('--table and --schema exclude each other', 'Extract one after the other.');
  }
  if ((table ?? schema ?? database) === undefined) {
    throw invalid(
      'nothing to extract',
      'Name it: --table SCHEMA.TABLE, --schema NAME, --database NAME.',
    );
  }
}

function chooseDestination(
  options: PartValues,
  source: PostgresSource,
  context: CommandContext,
): Destination {
  const { toFile, format, into, sideSchema } = options;
  const given = [toFile, into, sideSchema].filter((each) => each !== undefined);
  if (given.length !== 1) {
    const hint = 'One of --to-file FILE, --into postgres://user@host/database, --side-schema NAME.';
    throw invalid(given.length === 0 ? 'no place to extract to' : 'more than one place', hint);
  }
  if (format !== undefined && toFile === undefined) {
    throw invalid('--format goes with --to-file', 'Leave it out.');
  }
  if (toFile !== undefined) {
    const chosen = dumpFormats.find((each) => each === (format ?? 'custom'));
    if (chosen !== undefined) {
      return { kind: 'file', path: resolve(context.folder, toFile), format: chosen };
    }
    throw invalid(`there is no format ${JSON.stringify(format)}`, `Use ${dumpFormats.join(', ')}.`);
  }
  if (into !== undefined) return { kind: 'server', connection: parseTargetUrl(into) };
  return sideDestination(sideSchema as string, options, source);
}

function sideDestination(schema: string, options: PartValues, source: PostgresSource): Destination {
  if (options.table === undefined && options.schema?.length !== 1) {
    throw invalid(
      'a side schema takes tables, or one schema',
      'Name tables with --table, or one schema with --schema.',
    );
  }
  if (schema.startsWith('pg_') || Buffer.byteLength(schema) > 63 || schema === '') {
    throw invalid(
      `${JSON.stringify(schema)} cannot be the name of a schema`,
      'At most 63 bytes, not beginning with pg_.',
    );
  }
  return { kind: 'side', connection: source.rescueConnection, schema };
}

function placeOf(destination: Destination) {
  switch (destination.kind) {
    case 'file':
      return { to: 'file', path: destination.path, format: destination.format };
    case 'server':
      return { to: 'server', targetDatabase: destination.connection.database };
    case 'side':
      return { to: 'side-schema', schema: destination.schema };
  }
}

function invalid(fact: string, hint: string): LifeboatError {
  return new LifeboatError('usage.invalid', fact, { hint });
}
