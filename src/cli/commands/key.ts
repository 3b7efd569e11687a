import { LifeboatError } from '../../core/index.ts';
import type { KeyInfo, Repository } from '../../repository/index.ts';
import { openChosenRepository, repositoryOption } from '../chosen-repository.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { formatMoment } from '../moment.ts';
import { newPasswordOptions, readNewPassword } from '../new-password.ts';
import { printable } from '../output/printable.ts';
import { textTable } from '../output/text-table.ts';
import { lockWait, waitOption } from '../quantity-options.ts';

export const key = defineCommand({
  description: `The passwords of a repository; each is a key file that opens the same master key.

  list           which there are, and which one opened the repository now
  add            one more password; it counts when it was read back and opened
  remove ID      one that is no longer to open it; not the one in use, nor the last
  passwd         a new password instead of the one in use

A removed password opens the repository no more, but whoever has opened it before may have kept the
master key: to shut somebody out for good, copy everything to a new repository.`,
  examples: [
    'key list',
    'key add --new-password-file second.password',
    'key remove 1f2e3d4c',
    'key passwd -r /backup/repository',
  ],
  arguments: [
    { name: '<action>', description: 'list, add, remove or passwd' },
    { name: '[id]', description: 'for remove: an id or its beginning' },
  ],
  options: {
    ...newPasswordOptions,
    user: { flags: '--user <name>', description: 'whose password it is, as `list` shows it' },
    host: { flags: '--host <name>', description: 'on which host it is used, as `list` shows it' },
    wait: waitOption,
    repository: repositoryOption,
  },
  async run({ arguments: [action, id], options }, context) {
    const { output, signal } = context;
    const work = actions[action as keyof typeof actions];
    if (!Object.hasOwn(actions, action ?? '')) {
      throw new LifeboatError('usage.invalid', `unknown action ${JSON.stringify(action)}`, {
        hint: 'It is one of list, add, remove, passwd.',
      });
    }
    if ((action === 'remove') !== (id !== undefined)) {
      throw new LifeboatError(
        'usage.invalid',
        id ? `${action} takes no id` : 'remove needs an id',
        {
          hint: 'Find it with `lifeboat key list`.',
        },
      );
    }
    await using repository = await openChosenRepository(context, options.repository);
    const settings = { ...lockWait(options.wait), signal, progress: output.progress };
    const owner = {
      ...(options.user === undefined ? {} : { username: options.user }),
      ...(options.host === undefined ? {} : { hostname: options.host }),
    };
    const password = () => readNewPassword(context, options);
    await work({
      repository,
      context,
      id: id ?? '',
      settings: { ...settings, ...owner },
      password,
    });
    return undefined;
  },
});

interface Work {
  readonly repository: Repository;
  readonly context: CommandContext;
  readonly id: string;
  readonly settings: Parameters<Repository['keys']['add']>[1];
  readonly password: () => ReturnType<typeof readNewPassword>;
}

const actions = {
  async list({ repository, context: { output, signal } }: Work) {
    const keys = await repository.keys.list({ signal });
    for (const each of keys) output.report({ type: 'key', ...each });
    output.say((style) => {
      const columns = ['', 'id', 'user', 'host', 'created'].map((title) => ({ title }));
      return textTable(columns, keys.map(row), style, (text, _column, at) =>
        keys[at]?.problem ? style.red(text) : text,
      );
    });
  },
  async add({ repository, context: { output }, settings, password }: Work) {
    const id = await repository.keys.add(await password(), settings);
    output.report(
      { type: 'key-added', id },
      ({ green }) => `${green('✓')} key ${id.slice(0, 8)} opens the repository`,
    );
  },
  async remove({ repository, context: { output }, settings, id }: Work) {
    const removed = await repository.keys.remove(id, settings);
    output.report(
      { type: 'key-removed', id: removed },
      ({ green }) => `${green('✓')} key ${removed.slice(0, 8)} opens the repository no more`,
    );
  },
  async passwd({ repository, context: { output }, settings, password }: Work) {
    const id = await repository.keys.changePassword(await password(), settings);
    output.report(
      { type: 'key-changed', id },
      ({ green, dim }) =>
        `${green('✓')} the password is changed: key ${id.slice(0, 8)} instead of the former one\n${dim('  Where the former password is configured, put the new one.')}`,
    );
  },
};

function row({ id, username, hostname, created, isCurrent, problem }: KeyInfo): string[] {
  const time = created === undefined ? '' : formatMoment(created);
  return [
    isCurrent ? '*' : '',
    id.slice(0, 8),
    printable(username),
    printable(hostname),
    problem ?? time,
  ];
}
