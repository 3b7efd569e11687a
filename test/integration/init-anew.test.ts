// A repository that this host has used and that is not there now is not made anew without a word: its disk may not be mounted.
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { filesInstallation } from '../support/files-installation.ts';

it('is refused in a script, until its name is given', async () => {
  await using own = await filesInstallation('documents');
  const init = (...args: string[]) => own.run('init', '-r', 'main', ...args);
  expect((await init()).records).toContainEqual(
    expect.objectContaining({ type: 'init-repository', created: false }),
  );
  writeFileSync(join(own.source, 'letter'), 'dear');
  expect((await own.run('backup')).exitCode).toBe(0);
  const away = `${own.repository}-away`;
  renameSync(own.repository, away);

  for (const args of [[], ['--yes'], ['--yes', 'other']]) {
    const refused = await init(...args);
    expect(refused.exitCode, refused.stdout).not.toBe(0);
    expect(refused.stdout).toContain('confirmation.missing');
    expect(existsSync(own.repository)).toBe(false);
  }
  expect((await init()).stdout).toMatch(/disk not mounted.* --yes main creates it anew/);

  // It is mounted again.
  renameSync(away, own.repository);
  expect((await init()).records).toContainEqual(expect.objectContaining({ created: false }));
  renameSync(own.repository, away);
  expect((await init('--yes', 'main')).records).toContainEqual(
    expect.objectContaining({ type: 'init-repository', created: true }),
  );
});
