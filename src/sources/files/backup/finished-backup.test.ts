import { getEventListeners } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { localRepository } from '../../../../test/support/local-repository.ts';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { backupFiles } from './index.ts';

it('a backup that is over does not listen to the signal any more', async () => {
  const source = temporaryFolder('finished-backup');
  writeFileSync(join(source, 'file'), 'text');
  await using place = await localRepository();
  const { repository } = place;
  const interruption = new AbortController();
  const { signal } = interruption;
  const messages: string[] = [];
  await backupFiles({
    ...{ repository, source: 'files', paths: [source], signal },
    progress: (event) => {
      if (event.type === 'note') messages.push(event.message);
    },
  });
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  // As Ctrl-C in the backup after it.
  interruption.abort();
  expect(messages).toEqual([]);
  rmSync(source, { recursive: true });
});
