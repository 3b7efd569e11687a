import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Ask } from '../../src/cli/command.ts';
import { init } from '../../src/cli/commands/init.ts';
import type { Output } from '../../src/cli/output/output.ts';
import { loadConfiguration } from '../../src/config/index.ts';
import { dockerUnderTest, whyNoDocker } from '../support/docker.ts';
import { lifeboatInProcess } from '../support/in-process.ts';
import { freePort, temporaryFolder } from '../support/postgres.ts';
import { type ShopPlatform, shopPlatform } from '../support/shop-platform.ts';

// Goal: on a machine with an application in Docker, `init` writes the configuration that its recoveries need.

let folder: string;
const environment = (more: Readonly<Record<string, string>> = {}) => ({
  PATH: process.env.PATH ?? '',
  LIFEBOAT_CACHE_FOLDER: 'off',
  HOME: folder,
  ...more,
});
const run = (...args: string[]) =>
  lifeboatInProcess(['init', ...args, '--location', 'repository'], environment(), folder);
const written = () => loadConfiguration(join(folder, 'lifeboat.yaml'), environment());
const text = () => readFileSync(join(folder, 'lifeboat.yaml'), 'utf8');

beforeEach(() => {
  folder = temporaryFolder('init-docker');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function wholeShop({ project, composeFile, databasePort, image }: ShopPlatform) {
  const compose = (service: string) => ({ files: [composeFile], service, project });
  return {
    sources: {
      uploads: { kind: 'volume', volume: `${project}_uploads`, image },
      database: {
        kind: 'postgres',
        connection: `postgres://lifeboat@127.0.0.1:${databasePort}/postgres`,
        local: 'never',
        service: 'db',
        ground: { kind: 'docker-volume', volume: `${project}_db-data`, image },
        rescue: { connection: `postgres://postgres@127.0.0.1:${databasePort}/postgres` },
      },
    },
    services: [
      { name: 'db', platform: 'docker', compose: compose('db') },
      {
        name: 'api',
        platform: 'docker',
        compose: compose('api'),
        writes: ['database', 'uploads'],
        after: ['db'],
      },
    ],
  };
}

it('writes sources, services and ground of a compose project, named or found by what is named', async (context) => {
  await using shop = await shopPlatform(context, 'init');
  const { project, databasePort, port } = shop;

  const made = await run('--yes', '--docker', project);
  expect(made.exitCode, made.stderr).toBe(0);
  expect(written()).toMatchObject({ name: project, ...wholeShop(shop) });
  expect(text()).toContain(`# health: "http://127.0.0.1:${port}/"`);
  // Nothing in the container says that a role needs a password.
  expect(written().sources.database).not.toHaveProperty('password');
  expect(text()).toContain(`# password: { file: ${join(folder, 'database.password')} }`);
  expect(made.stdout).toContain(`docker exec -it ${project}-db-1 psql -U postgres postgres`);
  expect(made.stdout).toContain('host replication lifeboat samenet scram-sha-256');

  rmSync(join(folder, 'lifeboat.yaml'));
  const connection = `postgres://lifeboat@localhost:${databasePort}/postgres`;
  const named = await run('--yes', '--volume', `${project}_uploads`, '--connection', connection);
  expect(named.exitCode, named.stderr).toBe(0);
  const { sources, services } = wholeShop(shop);
  const { uploads, database } = sources;
  expect(written()).toMatchObject({
    sources: {
      [`${project}_uploads`.slice(0, 44)]: uploads,
      database: {
        ...{ ...database, connection },
        rescue: { connection: connection.replace('lifeboat@', 'postgres@') },
      },
    },
    services: [services[0], { name: 'api', after: ['db'] }],
  });

  // Another server than the one in the container is never taken for it.
  rmSync(join(folder, 'lifeboat.yaml'));
  const elsewhere = `postgres://lifeboat@192.0.2.7:${databasePort}/postgres`;
  const other = await run('--yes', '--volume', `${project}_uploads`, '--connection', elsewhere);
  expect(other.exitCode, other.stderr).toBe(0);
  expect(written().sources.database).not.toHaveProperty('ground');
  expect(written().sources.database).not.toHaveProperty('service');

  rmSync(join(folder, 'lifeboat.yaml'));
  const nowhere = await run('--yes', '--docker', `${project}-nowhere`);
  expect(nowhere.exitCode).toBe(2);
  expect(nowhere.stderr).toContain('no compose project and no container called');
  expect(nowhere.stderr).toContain(project);

  // At a terminal: what is proposed, one question at a time, and a no to each is a no.
  const asked = await ask(project, {});
  expect(asked.questions).toEqual([
    `Protect the PostgreSQL in ${project}-db-1, at postgres://lifeboat@127.0.0.1:${databasePort}/postgres`,
    `Back up the volume ${project}_uploads (/uploads of api)`,
    'These write to the database, so that a recovery stops them first: api',
    expect.stringContaining('May a recovery stop and start db, api'),
    'Password of the repository',
  ]);
  expect(written()).toMatchObject(wholeShop(shop));
  rmSync(join(folder, 'lifeboat.yaml'));
  await ask(project, { 'These write': 'no', 'Which do': '', 'Back up the volume': 'no' });
  const [, api] = written().services;
  expect(Object.keys(written().sources)).toEqual(['database']);
  expect(api).toMatchObject({ name: 'api', after: ['db'] });
  expect(api).not.toHaveProperty('writes');
  rmSync(join(folder, 'lifeboat.yaml'));
  await ask(project, { 'May a recovery': 'no' });
  expect(written().services).toEqual([]);
  expect(written().sources.database).not.toHaveProperty('ground');
});

/** `init --docker PROJECT` with answers by the beginnings of questions; else what is proposed. */
async function ask(
  project: string,
  answers: Readonly<Record<string, string>>,
): Promise<{ readonly questions: readonly string[] }> {
  const questions: string[] = [];
  const answer = (question: string, initial = '') => {
    const key = Object.keys(answers).find((each) => question.startsWith(each));
    return key === undefined ? initial : (answers[key] as string);
  };
  const asking: Ask = {
    secret: async () => '',
    text: async (question, initial) => answer(question, initial),
    choose: async (question, _choices, initial) => {
      questions.push(question);
      return answer(question, initial) as never;
    },
  };
  const output = { warn: () => {}, report: () => {}, say: () => {} } as unknown as Output;
  const options = { docker: [project], location: 'repository', keep: 'all', name: 'shop' };
  const end = await init.run(
    { arguments: [], options: options as never },
    {
      ...{ output, ask: asking, environment: environment(), folder, configFile: undefined },
      signal: new AbortController().signal,
    },
  );
  expect(end).toBe(0);
  return { questions };
}

it('protects containers outside of compose, and writes no password', async (context) => {
  await using docker = await dockerUnderTest(context, 'init-loose');
  const { prefix, image } = docker;
  const [port, network] = [await freePort(), `${prefix}-network`];
  await docker.docker('network', 'create', network);
  const start = (name: string, ...args: readonly string[]) =>
    docker.docker(
      ...['run', '--detach', '--name', `${prefix}-${name}`, '--network', network, ...args],
      ...[image, 'sleep', '600'],
    );
  await start(
    'pg',
    ...['--env', 'POSTGRES_PASSWORD=kept-to-itself', '--env', 'POSTGRES_USER=sales'],
    ...['--env', 'PGDATA=/var/lib/postgresql/18/docker'],
    ...['--volume', `${prefix}-data:/var/lib/postgresql`, '--publish', `127.0.0.1:${port}:5432`],
  );
  const url = `postgres://sales:kept-to-itself@${prefix}-pg/sales`;
  await start('app', '--env', `DATABASE=${url}`, '--volume', `${prefix}-media:/media`);

  const named = ['pg', 'app'].flatMap((each) => ['--docker', `${prefix}-${each}`]);
  const made = await run('--yes', ...named);
  expect(made.exitCode, made.stderr).toBe(0);
  expect(`${made.stdout}${made.stderr}${text()}`).not.toContain('kept-to-itself');
  const names = ['pg', 'app'].map((each) => `${prefix}-${each}`.slice(0, 44));
  expect(written()).toMatchObject({
    sources: {
      [`${prefix}-media`.slice(0, 44)]: { volume: `${prefix}-media` },
      database: {
        connection: `postgres://lifeboat@127.0.0.1:${port}/sales`,
        password: { file: join(folder, 'database.password') },
        service: names[0],
        ground: { volume: `${prefix}-data`, subfolder: '18/docker' },
        rescue: {
          connection: `postgres://sales@127.0.0.1:${port}/sales`,
          password: { file: join(folder, 'owner.password') },
        },
      },
    },
    services: [
      { name: names[0], container: `${prefix}-pg` },
      { name: names[1], container: `${prefix}-app`, after: [names[0]] },
    ],
  });
  expect(made.stdout).toContain(`docker exec ${prefix}-pg printenv POSTGRES_PASSWORD >`);

  // Out of reach is said before anything is written.
  await start('other', '--env', 'PGDATA=/data', '--expose', '5432');
  rmSync(join(folder, 'lifeboat.yaml'));
  const unreachable = await run('--yes', '--docker', `${prefix}-other`);
  expect(unreachable.exitCode).toBe(2);
  expect(unreachable.stderr).toContain('publishes no fixed port');
  expect(existsSync(join(folder, 'lifeboat.yaml'))).toBe(false);
});

it('asks nothing of an engine that does not answer, and says why where one was named', async (context) => {
  const reason = await whyNoDocker();
  if (reason !== undefined) context.skip(reason);
  const noEngine = environment({ DOCKER_HOST: `unix://${folder}/nothing.sock` });
  const volume = ['init', '--yes', '--volume', 'shop_uploads', '--location', 'repository'];
  const made = await lifeboatInProcess(volume, noEngine, folder);
  expect(made.exitCode, made.stderr).toBe(0);
  expect(written().sources).toMatchObject({ shop_uploads: { volume: 'shop_uploads' } });
  expect(written().services).toEqual([]);
  rmSync(join(folder, 'lifeboat.yaml'));
  const named = await lifeboatInProcess(
    ['init', '--yes', '--docker', 'shop', '--location', 'repository'],
    noEngine,
    folder,
  );
  expect(named.stderr).toContain('cannot look at the containers of Docker');
  expect(named.exitCode).not.toBe(0);
});

it('is as it was where there is no Docker', async () => {
  const without = environment({ PATH: folder });
  const volume = ['init', '--yes', '--volume', 'shop_uploads', '--location', 'repository'];
  const made = await lifeboatInProcess(volume, without, folder);
  expect(made.exitCode, made.stderr).toBe(0);
  expect(`${made.stdout}${made.stderr}`).not.toContain('left aside');
  expect(text()).not.toContain('services:');
});
