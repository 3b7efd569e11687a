import { ExitCode, LifeboatError } from '../../core/index.ts';
import { announce } from '../../sources/index.ts';
import { defineCommand, sourceArgument } from '../command.ts';
import { openConfiguredSource } from '../configured.ts';
import { formatMoment } from '../moment.ts';
import { countOf } from '../output/count.ts';
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
    const now = new Date();
    const until = new Date(now.getTime() + spanMs);
    const { reason } = options;
    const announcement = { tables, from: now.toISOString(), until: until.toISOString() };
    const given = { ...announcement, ...(reason === undefined ? {} : { reason }) };
    await announce(repository, source.name, given);
    context.output.report({ type: 'announcement', source: source.name, ...given }, ({ green }) => {
      const what = options.all ? 'every table' : `${countOf(tables.length, 'name')} of tables`;
      return `${green('✓')} ${what} of ${source.name}: changes are taken as meant until ${formatMoment(until)}`;
    });
    return ExitCode.ok;
  },
});
