// What the undo of a swap tells the repository, also when it is called again after a crash, and when the repository does not answer.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LifeboatError } from '../../src/core/index.ts';
import type { Ground, TreeDelivery } from '../../src/recovery/ground/ground.ts';
import { createGround } from '../../src/recovery/ground/registry.ts';
import type { StepOutcome } from '../../src/recovery/index.ts';
import { swapStep } from '../../src/recovery/steps/kinds/swap.ts';
import type { Repository } from '../../src/repository/index.ts';
import { givenUpTimelines, PostgresSource, parseConnectionUrl } from '../../src/sources/index.ts';
import { controlFile } from '../support/control-file.ts';
import { memoryRepository } from '../support/memory-repository.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { stepContext } from '../support/step-context.ts';

const history = '1\t0/1600188\tno recovery target specified\n';
const restored: StepOutcome = {
  text: 'restored',
  result: { source: 'database', timeline: 2, history, systemId: '7' },
  evidence: {},
};
let folder: string;
let source: PostgresSource;
let repository: Repository;

beforeEach(async () => {
  folder = temporaryFolder('give-up');
  repository = (await memoryRepository()).open();
  await repository.log('database').appendFile('00000002.history', Buffer.from(history));
  source = postgresSource();
  for (const name of ['ground', 'new']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'ground', 'data'), 'former');
  writeFileSync(join(folder, 'new', 'data'), 'recovered');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const postgresSource = () =>
  new PostgresSource({
    kind: 'postgres',
    name: 'database',
    connection: parseConnectionUrl('postgres://lifeboat@127.0.0.1:9/shop?sslmode=disable'),
    stateFolder: join(folder, 'state'),
  });

async function swapped() {
  const context = stepContext({
    folder,
    yaml: `sources:
  database: { kind: postgres, connection: "postgres://lifeboat@127.0.0.1:9/shop", ground: { kind: folder, folder: ${folder}/ground } }`,
    repository,
    sources: { database: source },
    outcomes: { restore: restored },
  });
  const setting = context.surroundings.configuration.sources.database?.ground;
  const ground = (await createGround(
    setting as never,
    context.surroundings,
  )) as Ground<TreeDelivery>;
  if ((await ground.state(context.token)) === 'nothing') {
    await ground.fill(context.token, { kind: 'tree', folder: join(folder, 'new'), bytes: 9 });
    await ground.swap(context.token);
  }
  return context;
}
const inPlace = () => readFileSync(join(folder, 'ground', 'data'), 'utf8');
const undo = (context: Awaited<ReturnType<typeof swapped>>) =>
  swapStep.undo?.({ source: 'database', of: 'deliver' }, undefined, context);

it('tells the repository once the former data is back, and again when nobody saw its end', async () => {
  const context = await swapped();
  expect(inPlace()).toBe('recovered');
  expect(await undo(context)).toBe(
    'put the former data of database back in place; timeline 2 is given up, log and backups go on with the former one; any moment of it comes back by its name, beside: `lifeboat restore database --timeline 2 --to FOLDER`',
  );
  expect(inPlace()).toBe('former');
  expect(await undo(context)).toMatch(/was in place already; timeline 2 is given up/);
  expect(await givenUpTimelines(repository.log('database'))).toEqual(new Set([2]));
});

it('ends while the repository does not answer, and the next backup or stream of this host tells it', async () => {
  const context = await swapped();
  const away = async () => {
    throw new LifeboatError('location.unreachable', 'no answer');
  };
  const surroundings = { ...context.surroundings, repositoryOf: away };
  const said = await undo({ ...context, surroundings });
  expect(said).toMatch(
    /^put the former data of database back in place; its repository does not answer \(no answer\)/,
  );
  expect(inPlace()).toBe('former');
  // Another process.
  const later = postgresSource();
  await expect(later.backup({ repository })).rejects.toMatchObject({ code: /^postgres\./ });
  expect(await givenUpTimelines(repository.log('database'))).toEqual(new Set([2]));
  expect(readdirSync(join(folder, 'state', 'given-up', 'database'))).toEqual([]);
});

it('gives nothing up where another cluster is put back, and says how to go on', async () => {
  mkdirSync(join(folder, 'ground', 'global'));
  writeFileSync(join(folder, 'ground', 'global', 'pg_control'), controlFile(8n));
  const said = await undo(await swapped());
  expect(inPlace()).toBe('former');
  expect(said).toMatch(
    /^put the former data of database back in place; what is there now is another cluster \(8\) than that of database \(7\): no timeline is given up, and its log and backups wait/,
  );
  expect(said).toContain('`lifeboat recover database`');
  expect(said).not.toContain('go on with the former one');
  expect(await givenUpTimelines(repository.log('database'))).toEqual(new Set());
});

it('goes on with the former timeline where it is known to be of the same cluster', async () => {
  mkdirSync(join(folder, 'ground', 'global'));
  writeFileSync(join(folder, 'ground', 'global', 'pg_control'), controlFile(7n));
  expect(await undo(await swapped())).toContain('timeline 2 is given up');
  expect(await givenUpTimelines(repository.log('database'))).toEqual(new Set([2]));
});
