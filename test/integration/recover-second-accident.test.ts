// A second accident while what the first recovery replaced is still kept: it is recovered at once, over the first one. Nothing that is kept is let
// go of by it, and it can be taken back.
import { expect, it } from 'vitest';
import { type ProtectedShop, protectedShop, well } from '../support/shop-recovery.ts';

type Records = readonly Record<string, unknown>[];
const ofType = (records: Records, wanted: string) => records.find(({ type }) => type === wanted);
const runOf = (records: Records) => String(ofType(records, 'run-recovered')?.run);
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The moment now, far enough from what was written before and will be after. */
async function momentOf({ shop }: ProtectedShop): Promise<string> {
  await wait(1100);
  const { rows } = await shop.query('select now() as moment');
  await wait(1100);
  return (rows[0].moment as Date).toISOString();
}

/** Databases that lie beside the one in use, by the tokens of their runs: `TOKEN/former`. */
async function kept({ shop: { docker, project } }: ProtectedShop): Promise<readonly string[]> {
  const text = await docker.docker(
    ...['run', '--rm', '--volume', `${project}_db-data:/data:ro`, docker.image, 'sh', '-c'],
    'for each in /data/pgsql_tmp.lifeboat/*/*/; do [ -z "$(ls -A "$each")" ] || echo "$each"; done',
  );
  return text
    .split('\n')
    .map((path) => path.split('/').slice(3, 5).join('/'))
    .filter((path) => /\/(new|former)$/.test(path));
}

it('is recovered over the first one, which is kept; each is let go of, or taken back, by itself', async (context) => {
  await using scene = await protectedShop(context, 'second', { keepFormer: '1h' });
  const { shop } = scene;
  const recover = async (at: string) =>
    await well(scene.recover('database', '--type', 'failed-migration', '--at', at));

  // 1. The first accident, and its recovery.
  const before = await scene.content();
  const wasWell = await momentOf(scene);
  await shop.query('alter table orders drop column note');
  await scene.untilStreamed();
  const once = await recover(wasWell);
  const first = runOf(once.records);
  expect(await scene.content()).toEqual(before);
  await shop.untilHealthy();

  // 2. The second one, an hour too early: what the first one replaced is still kept.
  await shop.post('/orders', { email: 'between@example.com', note: 'between the accidents' });
  const between = await scene.content();
  const wasWellAgain = await momentOf(scene);
  await shop.query("update users set email = 'user' || id");
  await shop.post('/orders', { email: 'late@example.com', note: 'after the second' });
  const damaged = await scene.content();
  await scene.untilStreamed();
  const again = await recover(wasWellAgain);
  const second = runOf(again.records);
  const incidents = [once, again].map(({ records }) => ofType(records, 'run-opened')?.incident);
  expect(new Set(incidents).size).toBe(2);
  expect(await scene.content()).toEqual(between);
  await shop.untilHealthy();
  expect(await kept(scene)).toEqual([`${first}/former`, `${second}/former`].sort());

  // 3. The first one cannot be given up under the second.
  const refused = await scene.recover('--abort', first, '--reason', 'the wrong one');
  expect(refused.records.at(-1)).toMatchObject({
    code: 'usage.invalid',
    message: expect.stringContaining(`by run ${second}`),
    hint: expect.stringContaining(`--abort ${second}`),
  });
  expect(await scene.content()).toEqual(between);

  // 4. What the first one replaced is let go of, and nothing else.
  const ended = await well(scene.recover('--resume', first, '--let-go'));
  expect(ofType(ended.records, 'run-done')?.run).toBe(first);
  expect(await kept(scene)).toEqual([`${second}/former`]);
  expect(await scene.content()).toEqual(between);

  // 5. Back to what the second one replaced.
  await well(scene.recover('--abort', second, '--reason', 'it was no accident'));
  expect(await kept(scene)).toEqual([]);
  expect(await scene.content()).toEqual(damaged);
  await shop.untilHealthy();
}, 600_000);
