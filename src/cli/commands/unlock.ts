import type { ListedLock } from '../../repository/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { defineCommand } from '../command.ts';
import { confirmTarget } from '../confirm.ts';
import type { Style } from '../output/style.ts';

export const unlock = defineCommand({
  description: `Lists the locks of the repository and removes the stale ones: of processes of this host that are
gone, and those without a sign of life for 30 minutes. Other commands do that by themselves. With
--remove-all every lock goes, also of programs that are running: a prune beside them could then
take what they are storing. The host that holds each is shown first.`,
  examples: ['unlock', 'unlock --dry-run', 'unlock --remove-all --yes /var/backups/lifeboat'],
  arguments: [],
  options: {
    removeAll: { flags: '--remove-all', description: 'also locks that are not stale' },
    dryRun: { flags: '--dry-run', description: 'only list them' },
    yes: {
      flags: '--yes <location>',
      description: 'the location, to confirm --remove-all in scripts',
    },
    repository: repositoryOption,
  },
  async run({ options }, context) {
    const { output, signal } = context;
    const { removeAll = false, dryRun = false } = options;
    await using repository = await openChosenRepository(context, options.repository);
    // One that comes after the question was not asked about.
    let isAgreed = dryRun;
    if (removeAll && !dryRun) {
      const found = await repository.unlock({ dryRun: true, signal });
      for (const lock of found) output.say(() => `lock of ${lock.holder}`);
      const name = repository.location.describe();
      const confirmation = { what: 'repository', name, yes: options.yes };
      if (found.length > 0) await confirmTarget(context, confirmation);
      isAgreed = found.length > 0;
    }
    const locks = await repository.unlock({ removeAll: removeAll && isAgreed, dryRun, signal });
    for (const lock of locks) {
      output.report({ type: 'lock', ...lock }, (style) => describe(lock, style));
    }
    const removed = locks.filter((lock) => lock.removed).length;
    output.report({ type: 'unlock', locks: locks.length, removed }, () =>
      locks.length === 0 ? 'there are no locks' : `${removed} of ${locks.length} locks removed`,
    );
    return undefined;
  },
});

function describe(lock: ListedLock, { green, yellow }: Style): string {
  const state = lock.removed ? green('removed') : lock.isStale ? yellow('stale') : yellow('held');
  return `${state} ${lock.exclusive ? 'exclusive lock' : 'lock'} of ${lock.holder}`;
}
