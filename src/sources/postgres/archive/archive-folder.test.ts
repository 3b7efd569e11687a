import { chmodSync, chownSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { installArchive } from './archive-folder.ts';

const owner = { uid: 65534, gid: 65534 };
const account = { name: 'nobody', ...owner };
let outer: string;

beforeEach(() => {
  outer = temporaryFolder('archive-folder');
});
afterEach(() => rmSync(outer, { recursive: true, force: true }));

// Nobody else can give folders away.
describe.runIf(process.geteuid?.() === 0)('the folder of archive_command, made by root', () => {
  it('is given to the account where nobody else can put a link in the way', async () => {
    const folder = join(outer, 'deep', 'folder');
    await installArchive(folder, account);
    expect(statSync(join(folder, 'requests'))).toMatchObject(owner);
    expect(statSync(folder)).toMatchObject({ uid: 0 });
    await installArchive(folder, account);
  });

  it.each(['requests', 'answers'])(
    'is refused when %s is a link, and nothing else is given away',
    async (name) => {
      const victim = join(outer, 'victim');
      const folder = join(outer, 'folder');
      for (const each of [victim, folder]) mkdirSync(each);
      symlinkSync(victim, join(folder, name));
      await expect(installArchive(folder, account)).rejects.toMatchObject({
        code: 'config.invalid',
      });
      expect(statSync(victim)).toMatchObject({ uid: 0 });
    },
  );

  it('is refused where the account owns it or a folder above, or others may write', async () => {
    const folder = join(outer, 'above', 'folder');
    mkdirSync(folder, { recursive: true });
    const refused = async () =>
      await expect(installArchive(folder, account)).rejects.toMatchObject({
        code: 'config.invalid',
        hint: expect.stringMatching(/nobody else can write to/),
      });
    for (const path of [folder, join(outer, 'above')]) {
      chownSync(path, account.uid, account.gid);
      await refused();
      chownSync(path, 0, 0);
      chmodSync(path, 0o777);
      await refused();
      chmodSync(path, 0o755);
    }
    symlinkSync(folder, join(outer, 'link'));
    await expect(installArchive(join(outer, 'link'), account)).rejects.toMatchObject({
      code: 'config.invalid',
    });
    await installArchive(folder, account);
  });
});
