import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { protectedShop, well } from '../support/shop-recovery.ts';

// Goal: a deploy with a wrong image and a wrong environment is put back to what the last backup recorded; no data is touched.

it('wrong image and environment after a deploy are put back to the recorded baseline', async (context) => {
  await using scene = await protectedShop(context, 'deploy', {
    // As a deploy script of theirs: what was released last, brought up.
    api: ({ composeFile }) => `, redeploy: [sh, ${composeFile}.redeploy]`,
  });
  const { shop } = scene;
  const { composeFile, project } = shop;
  const released = readFileSync(composeFile, 'utf8');
  copyFileSync(composeFile, `${composeFile}.released`);
  writeFileSync(
    `${composeFile}.redeploy`,
    `set -e\ncp ${composeFile}.released ${composeFile}\n${shop.composeProgram} -p ${project} -f ${composeFile} up --detach api\n`,
  );
  const before = await scene.content();
  const other = `${project}:next`;
  await shop.docker.docker('tag', shop.image, other);
  const [db, api] = released.split('  api:') as [string, string];
  writeFileSync(
    composeFile,
    `${db}  api:${api.replace(shop.image, other).replace('@db:5432/postgres', '@db:5432/shop')}`,
  );
  await shop.compose('up', '--detach', 'api');
  await expect(shop.get('/health')).rejects.toThrow();

  const run = await well(
    scene.recover('--type', 'software-bug', '--title', 'no answers since the deploy'),
  );

  expect(run.records.find(({ type }) => type === 'plan')).toMatchObject({ method: 'redeploy' });
  await shop.untilHealthy();
  expect(readFileSync(composeFile, 'utf8')).toBe(released);
  const image = await shop.docker.docker(
    ...['container', 'inspect', '--format', '{{.Config.Image}}', `${project}-api-1`],
  );
  expect(image).toBe(shop.image);
  expect(await scene.content()).toEqual(before);
});
