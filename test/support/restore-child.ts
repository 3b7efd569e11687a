// Run as an ordinary user: restores a snapshot of root's and prints what became of it.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../../src/core/index.ts';
import { initRepository, MemoryLocation } from '../../src/repository/index.ts';
import { restoreFiles } from '../../src/sources/index.ts';
import { fileNode, saved, storeTree } from './stored-tree.ts';

const target = process.argv[2] as string;
const password = new Secret('pw');
await using repository = await initRepository({ location: new MemoryLocation(), password });
const root = { uid: 0, gid: 0 };
const snapshot = await storeTree(repository, async (writer) => [
  fileNode({ name: 'setuid', mode: 0o4755, content: await saved(writer, 'whole'), ...root }),
  fileNode({ name: 'device', type: 'chardev', device: 0x103n, ...root }),
  fileNode({
    name: 'trusted',
    extendedAttributes: [{ name: 'trusted.x', value: Buffer.from('x') }],
    ...root,
  }),
]);
const { problems, attributeProblems } = await restoreFiles({ repository, snapshot, target });
const path = join(target, 'setuid');
const result = {
  problems: problems.map((each) => each.path),
  attributes: attributeProblems.map(({ attribute, code }) => [attribute, code]),
  mode: statSync(path).mode & 0o7777,
  content: readFileSync(path, 'utf8'),
};
process.stdout.write(JSON.stringify(result));
