// *New server, then switch* onto a Docker volume of the real engine.
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dockerUnderTest } from '../support/docker.ts';
import { recoverToNewServer } from '../support/new-server-scene.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const [subject] = serversUnderTest(15);

it('a cluster is recovered to a Docker volume, and its services are led there', async (context) => {
  const bin = need(context, subject?.bin, 'PostgreSQL 15 is not installed');
  need(context, process.getuid?.() === 0, 'only root gives files to the account of a server');
  await using engine = await dockerUnderTest(context, 'new-server');
  const { docker, image, prefix } = engine;
  const outer = temporaryFolder('new-server');
  chmodSync(outer, 0o755);
  const device = join(outer, 'volume');
  mkdirSync(device);
  const volume = `${prefix}-data`;
  // A server of this host works on its files, so that no image of PostgreSQL is needed.
  const options = ['type=none', 'o=bind', `device=${device}`].flatMap((each) => ['--opt', each]);
  await docker('volume', 'create', ...options, volume);
  try {
    await recoverToNewServer({
      bin,
      major: subject?.major ?? 15,
      ground: `{ kind: docker-volume, volume: ${volume}, subfolder: data, image: ${image}, owner: "65534:65534" }`,
      folder: join(device, 'data'),
      told: { echo: 'echo "$LIFEBOAT_VOLUME $LIFEBOAT_FOLDER"', says: `${volume} /data` },
    });
  } finally {
    await docker('volume', 'rm', '--force', volume);
    rmSync(outer, { recursive: true, force: true });
  }
  expect.hasAssertions();
}, 600_000);
