// Goal: services are pointed at what was delivered to a volume, too.
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { deliverStep } from '../../src/recovery/steps/kinds/deliver.ts';
import { pointServices } from '../../src/recovery/steps/kinds/point-services.ts';
import { dockerUnderTest } from '../support/docker.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { stepContext } from '../support/step-context.ts';

it('a delivery to a volume says which it is, and services are pointed there', async (context) => {
  await using engine = await dockerUnderTest(context, 'loose-ends');
  const { docker, image, prefix } = engine;
  const volume = `${prefix}-uploads`;
  const folder = temporaryFolder('deliver');
  const restored = join(folder, 'restored');
  mkdirSync(restored);
  writeFileSync(join(restored, 'one'), 'x');
  const point = join(folder, 'point');
  writeFileSync(
    point,
    `#!/bin/sh\necho "$LIFEBOAT_VOLUME $LIFEBOAT_FOLDER" > "${folder}/pointed"\n`,
  );
  chmodSync(point, 0o755);
  const yaml = `sources: { uploads: { kind: files, paths: [${folder}/uploads], ground: { kind: docker-volume, volume: ${volume}, subfolder: data, image: ${image} } } }
services: { api: { platform: shell, start: ['true'], stop: ['true'], isRunning: ['true'], writes: [uploads], switch: { command: [${point}], undo: ['true'] } } }`;
  const outcomes = {
    restore: { text: '', result: { place: { folder: restored }, bytes: 1 }, evidence: {} },
  };
  try {
    const work = stepContext({ folder, yaml, outcomes });
    const delivered = await deliverStep.run({ source: 'uploads', of: 'restore' }, work);
    expect(delivered.result.place).toEqual({ volume, folder: '/data' });
    const later = stepContext({ folder, yaml, outcomes: { ...outcomes, deliver: delivered } });
    await pointServices.run({ source: 'uploads', of: 'deliver', services: ['api'] }, later);
    expect(readFileSync(join(folder, 'pointed'), 'utf8')).toBe(`${volume} /data\n`);
  } finally {
    await docker('volume', 'rm', '--force', volume);
    rmSync(folder, { recursive: true, force: true });
  }
});
