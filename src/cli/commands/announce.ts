import { ExitCode, LifeboatError, silentProgress } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import {
  announce,
  listBaselines,
  matchesTable,
  outstandingDrift,
  type PostgresSource,
} from '../../sources/index.ts';
import { defineCommand, sourceArgument } from '../command.ts';
import { openConfiguredSource } from '../configured.ts';
import { formatMoment } from '../moment.ts';
import { printable } from '../output/printable.ts';
import { durationOption } from '../quantity-options.ts';

const defaultMs = 3_600_000;

export const announceCommand = defineCommand({
  description: `Says that what happens to tables is meant, so that it is not told as drift: before a clean-up or a
migration, for as long as it takes. What was told of these tables until now is acknowledged with
it. Nothing else changes: find-loss still lists every transaction.`,
  examples: [
    'announce --table orders',
    'announce database --table "audit.*" --for 4h --reason "yearly clean-up"',
    'announce --all --for 30m',
  ],
  arguments: [sourceArgument],
  options: {
    table: {
      flags: '--table <name>',
      description:
        'orders, public.orders, shop.public.orders; * stands for any text; several times',
      repeatable: true,
    },
    all: { flags: '--all', description: 'every table of the source' },
    for: { flags: '--for <duration>', description: 'for so long from now on (default 1h)' },
    reason: { flags: '--reason <text>', description: 'why, for those who ask later' },
  },
  async run({ arguments: [wanted], options }, context) {
    const tables = options.all ? ['*'] : (options.table ?? []);
    if (tables.length === 0 || (options.all && options.table)) {
      throw new LifeboatError('usage.invalid', 'which tables are meant is not said', {
        hint: 'Name them with --table, or give --all.',
      });
    }
    const spanMs = options.for === undefined ? defaultMs : durationOption('--for', options.for);
    await using opened = await openConfiguredSource(context, wanted, 'look');
    const { source, repository } = opened;
    const { output } = context;
    const now = new Date();
    const until = new Date(now.getTime() + spanMs);
    const { reason } = options;
    const announcement = { tables, from: now.toISOString(), until: until.toISOString() };
    const given = { ...announcement, ...(reason === undefined ? {} : { reason }) };
    for (const table of options.all ? [] : await unknownNames(source, repository, tables)) {
      output.warn(
        `no table of the last baseline is called ${printable(table)}`,
        'It is announced all the same: the table may be still to come. `lifeboat baseline` lists what is there.',
      );
    }
    await announce(repository, source.name, given);
    output.report({ type: 'announcement', source: source.name, ...given }, ({ green }) => {
      const what = options.all ? 'every table' : tables.map(printable).join(', ');
      return `${green('✓')} ${source.name}: changes of ${what} are taken as meant until ${formatMoment(until)}`;
    });
    return ExitCode.ok;
  },
});

/** Names that fit nothing are most likely slips of the hand. */
async function unknownNames(
  source: PostgresSource,
  repository: Repository,
  tables: readonly string[],
): Promise<readonly string[]> {
  const since = new Date();
  const last = (await listBaselines(repository, source.name, silentProgress, since)).at(-1);
  if (last === undefined) return [];
  const known = [
    ...(await outstandingDrift(repository, source.name)),
    ...last.baseline.databases.flatMap((database) =>
      database.tables.map(({ schema, name }) => ({ database: database.name, schema, table: name })),
    ),
  ];
  return tables.filter((pattern) => !known.some((each) => matchesTable(pattern, each)));
}
