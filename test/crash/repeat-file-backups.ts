// Run by files-kill.test.ts in a process of its own: changes a folder and backs it up, again and again, until it is killed.
// Prints the id of every snapshot it was told of, and the number of the state it holds.
import { Secret } from '../../src/core/index.ts';
import { LocalLocation, openRepository } from '../../src/repository/index.ts';
import { backupFiles } from '../../src/sources/index.ts';
import { stateOf, writeState } from './numbered-state.ts';

const [folder = '', source = '', password = ''] = process.argv.slice(2);
const repository = await openRepository({
  location: new LocalLocation(folder),
  password: new Secret(password),
});
for (;;) {
  const state = stateOf(source) + 1;
  writeState(source, state);
  const { snapshot } = await backupFiles({ repository, source: 'data', paths: [source] });
  process.stdout.write(`${snapshot} ${state}\n`);
}
