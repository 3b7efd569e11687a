// *New server, then switch* onto a folder; onto a Docker volume in test/soak, onto a server by connection alone in recover-kubernetes.test.ts.
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { recoverToNewServer } from '../support/new-server-scene.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const [subject] = serversUnderTest(15);

it('a cluster is recovered to a folder of another host than its own, and its services are led there', async (context) => {
  const bin = need(context, subject?.bin, 'PostgreSQL 15 is not installed');
  need(context, process.getuid?.() === 0, 'only root gives files to the account of a server');
  const outer = temporaryFolder('new-server');
  chmodSync(outer, 0o755);
  const folder = join(outer, 'data');
  try {
    await recoverToNewServer({
      bin,
      major: subject?.major ?? 15,
      ground: `{ kind: folder, folder: ${folder}, owner: "65534:65534" }`,
      folder,
      told: { echo: 'echo "$LIFEBOAT_FOLDER"', says: folder },
    });
  } finally {
    rmSync(outer, { recursive: true, force: true });
  }
  expect.hasAssertions();
}, 600_000);
