// kill -9 at random while `lifeboat recover` brings back a shop whose containers and volumes were removed: it goes on each time, and in the end all
// rows and files are there, and nothing is left over.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { seeded } from '../support/recovery-kills/killers.ts';
import { type Line, livesUntil } from '../support/recovery-kills/lives.ts';
import { protectedShop } from '../support/shop-recovery.ts';

const kills = 10;
const random = seeded(Number(process.env.LIFEBOAT_SEED ?? 7));

it(`docker compose down -v, killed ${kills} times`, async (context) => {
  await using scene = await protectedShop(context, 'kills');
  const { shop, place } = scene;
  await shop.post('/orders', { email: 'late@example.com', note: 'after the backup' });
  await scene.untilStreamed();
  const before = await scene.content();
  await shop.compose('down', '--volumes', '--timeout', '2');

  const lines: Line[] = [];
  let run: string | undefined;
  for (let killed = 0; ; killed++) {
    const args = run === undefined ? ['--title', 'the shop is gone'] : ['--resume', run];
    const child = place.spawn('recover', ...args, ...scene.yes);
    let stepsBegun = 0;
    const { lines: own, exitCode } = await livesUntil(child, ({ type }) => {
      if (killed >= kills || type !== 'run-step-begun') return undefined;
      // Most within the first step that it comes to, some later.
      return ++stepsBegun > 2 || random() < 0.6 ? random() * 5000 : undefined;
    });
    lines.push(...own);
    run ??= own.find(({ type }) => type === 'run-opened')?.run as string | undefined;
    if (exitCode === null) continue;
    expect(exitCode, JSON.stringify(own.at(-1))).toBe(0);
    expect(killed).toBeGreaterThanOrEqual(kills - 2);
    console.log(`${killed} kills`);
    break;
  }

  await shop.untilHealthy();
  expect(await scene.content()).toEqual(before);
  expect(lines.at(-1)).toMatchObject({ type: 'run-done', phase: 'done' });
  const done = lines.filter(({ type }) => type === 'run-step-done').map(({ step }) => step);
  expect(new Set(done).size, done.join()).toBe(done.length);
  const runs = join(place.stateFolder, 'runs');
  expect(existsSync(runs) ? readdirSync(runs) : []).toEqual([]);
  expect(readdirSync(place.temporaryFolder)).toEqual([]);
  const helpers = ['ps', '--all', '--quiet', '--filter', `label=io.lifeboat.token=${run}`];
  expect(await shop.docker.docker(...helpers)).toBe('');
});
