// Run by repository-kill.test.ts in a process of its own: backs up random data until it is killed, and prints the
// id of every published snapshot.
import { randomBytes } from 'node:crypto';
import { Secret } from '../../src/core/index.ts';
import { type BlobId, LocalLocation, openRepository } from '../../src/repository/index.ts';

const [folder = '', password = ''] = process.argv.slice(2);
const repository = await openRepository({
  location: new LocalLocation(folder),
  password: new Secret(password),
});
for (;;) {
  await using writer = await repository.startBackup();
  const saves: Promise<{ id: BlobId }>[] = [];
  for (let i = 0; i < 20; i++) saves.push(writer.saveData(new Uint8Array(randomBytes(1_000_000))));
  const content = (await Promise.all(saves)).map(({ id }) => id);
  const file = { name: 'f', type: 'file', mode: 0o644, mtimeNs: 1n, uid: 0, gid: 0 } as const;
  const tree = await writer.saveTree([{ ...file, content }]);
  const totals = { filesTotal: 1, bytesTotal: 20_000_000 };
  const snapshot = { time: new Date(), tree, paths: ['/f'], tags: [], ...totals };
  process.stdout.write(`${await writer.publishSnapshot(snapshot)}\n`);
}
