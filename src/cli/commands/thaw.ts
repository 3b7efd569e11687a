import { pickNamed } from '../../config/index.ts';
import { ExitCode, LifeboatError } from '../../core/index.ts';
import { createPlatforms } from '../../platforms/index.ts';
import {
  type FoundFreezes,
  type FreezeItem,
  findFreezes,
  isFrozen,
  itemsToThaw,
  pickFreeze,
  rememberedFreeze,
  thaw as thawFreeze,
} from '../../recovery/index.ts';
import { defineCommand } from '../command.ts';
import { loadConfigured } from '../configured.ts';
import { confirmTarget } from '../confirm.ts';
import { incidentTell } from '../incident-tell.ts';
import { describeThaw, describeThawLook } from '../output/freeze-text.ts';
import type { Output } from '../output/output.ts';
import { recoverySurroundings } from '../recovery-surroundings.ts';

export const thaw = defineCommand({
  description: `Puts back what a freeze changed, and only that: databases writable with the rights they had, services
each after those it needs and only if they ran before, with their health, then the maintenance page
away. What it goes by was written down before the freeze; when the state folder of this host knows
nothing, repositories are asked, and then services that remember what they were (Kubernetes). Run it again after an interruption: it goes on with what is left.
Exit code 3: something could not be thawed; it is named, the rest is thawed.`,
  examples: [
    'thaw',
    'thaw --dry-run',
    'thaw uploads --yes shop-production',
    'thaw --leave "service worker"',
    'thaw --only "service api"',
  ],
  arguments: [{ name: '[sources...]', description: 'what is thawed; default: all that is frozen' }],
  options: {
    freeze: { flags: '--freeze <id>', description: 'which freeze, where there are several' },
    leave: {
      flags: '--leave <item>',
      description: 'give an item up as it is, such as "service api" of a host that is gone',
      repeatable: true,
    },
    only: {
      flags: '--only <item>',
      description: 'thaw nothing but this, such as "service api"; the rest stays frozen',
      repeatable: true,
    },
    dryRun: { flags: '--dry-run', description: 'only show what would be put back' },
    yes: { flags: '--yes <name>', description: 'name of the installation, instead of typing it' },
  },
  async run({ arguments: given, options }, context) {
    const configuration = loadConfigured(context);
    const named = given.filter((each) => each !== undefined);
    for (const name of named) pickNamed('source', configuration.sources, name);
    const { output, signal, environment } = context;
    await using surroundings = recoverySurroundings(context, configuration);
    await using incident = incidentTell(surroundings);
    const world = {
      surroundings,
      platforms: createPlatforms({ environment }),
      tell: incident.tell,
      progress: output.progress,
      signal,
    };
    const found = await findFreezes(world, options.freeze);
    const isLost = options.freeze === undefined && found.records.length === 0;
    const { record: remembered } = isLost ? await rememberedFreeze(world) : {};
    const record = remembered ?? pickFreeze(found, options.freeze);
    const from = remembered === undefined ? found.from : 'services';
    if (remembered !== undefined) warnOfLost(found, output);
    const sources = named.length > 0 ? { sources: named } : {};
    const order = configuration.services.map(({ name }) => name);
    const { leave = [], only } = options;
    const keeps = ({ name }: FreezeItem) => only !== undefined && !only.includes(name);
    const items = itemsToThaw(record, order, sources.sources).filter((item) => !keeps(item));
    const open = record.items.filter(isFrozen).map(({ name }) => name);
    const unknown = [...leave, ...(only ?? [])].find((name) => !open.includes(name));
    if (unknown !== undefined) {
      throw new LifeboatError(
        'usage.invalid',
        `nothing called ${JSON.stringify(unknown)} is frozen`,
        {
          hint: `Frozen are: ${open.join(', ')}.`,
        },
      );
    }
    const { host, actor, startedAt, holds, tookOver = [] } = record;
    const goesOnWith = tookOver.map((each) => ({ freeze: each.id, host: each.host }));
    const about = { freeze: record.id, host, actor, startedAt, holds, goesOnWith, from };
    output.report({ type: 'thaw-plan', ...about, sources: record.sources, items }, (style) =>
      describeThawLook(record, items, from, style),
    );
    if (options.dryRun) return ExitCode.ok;
    await confirmTarget(context, {
      what: 'installation',
      name: configuration.name,
      yes: options.yes,
    });
    const outcome = await thawFreeze({
      ...world,
      freeze: record.id,
      remembered,
      ...sources,
      leave,
      keeps,
    });
    const { record: after, ...rest } = outcome;
    const done = { freeze: after.id, phase: after.phase, stillFrozen: after.sources };
    output.report({ type: 'thaw', ...done, ...rest }, (style) => describeThaw(outcome, style));
    if (outcome.failures.length === 0) return ExitCode.ok;
    const names = outcome.failures.map(({ item }) => item).join(', ');
    throw new LifeboatError('thaw.incomplete', `not thawed: ${names}`, {
      hint: 'The rest is. Do what is named above, then run thaw again: it goes on with what is left.',
    });
  },
});

/** What no service remembers has to be said: databases may still be closed. */
function warnOfLost({ problems }: FoundFreezes, output: Output): void {
  const unasked = problems.map(({ repository, problem }) => `${repository}: ${problem}`).join('; ');
  const missing = unasked === '' ? '' : `, and not all repositories could be asked (${unasked})`;
  output.warn(
    `no record of a freeze is left on this host or in a repository${missing}`,
    'Databases and the maintenance page remember nothing: see in docs/guide/freeze.md how a database is opened by hand.',
  );
}
