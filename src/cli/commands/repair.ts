import { LifeboatError } from '../../core/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { lockWait, waitOption } from '../quantity-options.ts';
import { runRepairIndex, runRepairPacks, runRepairSnapshots } from '../repair-parts.ts';

const parts = { index: runRepairIndex, snapshots: runRepairSnapshots, packs: runRepairPacks };

export const repair = defineCommand({
  description: `Repairs what \`check\` found. In this order:

"repair index" makes the index anew from the headers of packs that it does not name, or names
wrongly; with --read-all-packs from all of them.

"repair packs ID..." saves the blobs that are whole in damaged packs into new ones. The damaged
files stay until a prune, a day later or more.

"repair snapshots [ID...]" shows which snapshots miss data and what would be lost; with --apply it
writes, for each, a new snapshot without it, tagged "repaired": files lose the missing parts,
folders whose list is gone are empty. The old snapshots stay unless --forget is given.

Everything is done under the exclusive lock, and nothing goes before what replaces it is durable.
A backup made after "repair index" stores again what the source still has: run it before
"repair snapshots", and less is lost.`,
  examples: [
    'repair index',
    'repair index --read-all-packs --dry-run',
    'repair packs 5cd1a0f2b7…',
    'repair snapshots',
    'repair snapshots --apply --forget',
  ],
  arguments: [
    { name: '<what>', description: 'index, packs or snapshots' },
    { name: '[ids...]', description: 'names of packs, or ids of snapshots' },
  ],
  options: {
    readAllPacks: { flags: '--read-all-packs', description: 'index: trust no index file' },
    dryRun: { flags: '--dry-run', description: 'index, packs: only say what would happen' },
    apply: { flags: '--apply', description: 'snapshots: write the repaired ones' },
    forget: {
      flags: '--forget',
      description: 'snapshots, with --apply: remove damaged and unreadable ones afterwards',
    },
    wait: waitOption,
    repository: repositoryOption,
  },
  async run({ arguments: values, options }, context: CommandContext) {
    const [what = '', ...rest] = values;
    const ids = rest.filter((id) => id !== undefined);
    const run = parts[what as keyof typeof parts];
    if (run === undefined) {
      throw new LifeboatError('usage.invalid', `there is no ${JSON.stringify(what)} to repair`, {
        hint: 'Give index, packs or snapshots.',
      });
    }
    await using repository = await openChosenRepository(context, options.repository);
    const { readAllPacks = false, dryRun = false, apply = false, forget = false } = options;
    const { signal, output } = context;
    const common = { signal, progress: output.progress, ...lockWait(options.wait) };
    const settings = { ...common, ids, readAllPacks, dryRun, apply, forget };
    return await run(repository, output, settings);
  },
});
