import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { untilRecord } from '../command-line.ts';
import { rightsOf } from '../freeze-scene.ts';
import { ended, type Installation, installation } from '../installation.ts';
import { startPostgres, type TestServer, temporaryFolder } from '../postgres.ts';
import type { ServerUnderTest } from '../servers.ts';
import { untilFlushed } from '../until-flushed.ts';
import { Supervisor } from './supervised.ts';

export type KilledMethod = 'point-in-time' | 'rescue-rows';

export interface Content {
  readonly orders: readonly unknown[];
  /** Those that were there before the loss. */
  readonly ticks: readonly unknown[];
  /** Rises with each end of a recovery of the server. */
  readonly timeline: number;
}

/**
 * A small platform after a loss, ready to be recovered again and again: a real PostgreSQL whose data folder is the ground, a writer, a job that
 * stood still before, commands that have to be done afterwards. Each round begins with the same bytes.
 */
export interface KillScene extends AsyncDisposable {
  readonly place: Installation;
  readonly server: TestServer;
  readonly supervisor: Supervisor;
  readonly method: KilledMethod;
  /** Name of the host that goes on when so many were lost. */
  hostAfter(lost: number): string;
  /** Id of the plan, which is kept. */
  readonly plan: string;
  /** Orders as a recovery leaves them, and what the writer had written before the loss. */
  readonly recovered: Content;
  content(): Promise<Content>;
  /** Everything as it was when the loss had been seen. */
  reset(): Promise<void>;
  /** Everything that an abort has to leave as it was. */
  facts(): Promise<unknown>;
  /** What after-commands did and undid, one line each. */
  done(): readonly string[];
  /** Folders, processes and locks that should not be there any more. */
  leftovers(): readonly string[];
}

export async function killScene(
  { bin = '', major }: ServerUnderTest,
  method: KilledMethod,
): Promise<KillScene> {
  await using opening = new AsyncDisposableStack();
  const kept = temporaryFolder('kills-kept');
  opening.defer(() => rmSync(kept, { recursive: true, force: true }));
  // Hundreds of processes are started: most of what each takes is compiling.
  process.env.NODE_COMPILE_CACHE ??= join(kept, 'compiled');
  const server = opening.use(await startPostgres({ bin, major, initdb: ['--wal-segsize=1'] }));
  const place = opening.use(await installation());
  // Rows are put back over a connection, from any host; a ground that is a folder is of this one.
  const isRemote = method === 'rescue-rows';
  const services = join(place.folder, 'services');
  const effects = join(place.folder, 'effects');
  for (const each of [services, effects]) mkdirSync(each);
  await server.query('create role app login');
  await server.query('create database shop owner app');
  await server.query('revoke connect on database shop from public', 'shop');
  await server.query(
    `set role app; create table orders (id int primary key, note text not null);
     create table ticks (id serial primary key, at timestamptz not null default now());
     insert into orders select i, 'order ' || i from generate_series(1, 500) i`,
    'shop',
  );
  const writer = new Writer(`postgres://app@127.0.0.1:${server.port}/shop?sslmode=disable`);
  const supervisor = opening.use(
    new Supervisor(services, isRemote ? 'shop-1' : '', {
      db: { start: () => server.start(), stop: () => server.stop() },
      writer,
      job: { start: async () => {}, stop: async () => {} },
    }),
  );
  opening.defer(() => writer.stop());
  await server.stop();
  await supervisor.become('db', 'up');
  await supervisor.become('writer', 'up');
  configure(place, server, bin, supervisor, effects);

  const serve = place.spawn('serve');
  await untilRecord(serve, ({ type }) => type === 'backup');
  await server.query('update orders set note = note || $$, paid$$ where id % 7 = 0', 'shop');
  const [{ last }] = (await server.query('select max(id) as last from ticks', 'shop')).rows;
  const content = async (): Promise<Content> => {
    const rows = async (sql: string) => (await server.query(sql, 'shop')).rows;
    const [{ timeline }] = await rows(
      'select timeline_id as timeline from pg_control_checkpoint()',
    );
    return {
      orders: await rows('select * from orders order by id'),
      ticks: await rows(`select * from ticks where id <= ${last} order by id`),
      timeline,
    };
  };
  const whole = await content();
  const lost = await server.query(
    `with gone as (delete from orders where id <= 400 returning 1)
       select pg_current_xact_id()::text as xid from gone limit 1`,
    'shop',
  );
  await server.query(`insert into orders values (1000, 'came later')`, 'shop');
  const late = { id: 1000, note: 'came later' };
  const recovered =
    method === 'rescue-rows'
      ? { ...whole, orders: [...whole.orders, late] }
      : { ...whole, timeline: whole.timeline + 1 };
  await untilFlushed(server);
  await ended(serve, 'SIGTERM');
  const { xid } = lost.rows[0];
  const made = await place.run(
    'plan',
    'database',
    '--method',
    method,
    '--before-xid',
    xid,
    '--keep',
  );
  const plan = made.records.find(({ type }) => type === 'plan-kept')?.id as string;
  if (plan === undefined) throw new Error(`no plan: ${made.stdout}${made.stderr}`);

  await supervisor.become('writer', 'down');
  await supervisor.become('db', 'down');
  const copied = [
    server.dataFolder,
    ...[place.repositoryFolder, place.stateFolder, effects, place.temporaryFolder],
  ];
  const copyOf = (folder: string) => join(kept, String(copied.indexOf(folder)));
  for (const folder of copied) execFileSync('cp', ['-a', folder, copyOf(folder)]);
  const opened = opening.move();
  const scene: KillScene = {
    place,
    server,
    supervisor,
    method,
    hostAfter: (lost) => (isRemote && lost > 0 ? `lifeboat-${lost}` : hostname()),
    plan,
    recovered,
    content,
    async reset() {
      for (const name of ['writer', 'job', 'db']) await supervisor.become(name, 'down');
      const ground = dirname(server.dataFolder);
      for (const name of readdirSync(ground)) rmSync(join(ground, name), { recursive: true });
      for (const folder of copied) {
        rmSync(folder, { recursive: true, force: true });
        execFileSync('cp', ['-a', copyOf(folder), folder]);
      }
      chmodSync(place.temporaryFolder, 0o755);
      await supervisor.become('db', 'up');
      await supervisor.become('writer', 'up');
      supervisor.calls.length = 0;
    },
    async facts() {
      return {
        ...(await content()),
        rights: await rightsOf(server),
        services: supervisor.states(),
      };
    },
    done() {
      const file = join(effects, 'did');
      return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
    },
    leftovers: () => leftovers(place, server),
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
    },
  };
  await scene.reset();
  return scene;
}

/** Each command lasts for a while: a kill comes before, within and behind its effect. */
function configure(
  place: Installation,
  server: TestServer,
  bin: string,
  supervisor: Supervisor,
  effects: string,
): void {
  const after = (name: string) => {
    const mark = join(effects, name);
    const say = (what: string) => `echo ${what} ${name} >> ${join(effects, 'did')}`;
    return `    - { name: ${name}, command: [sh, -c, 'sleep 0.3; ${say('did')}; touch ${mark}; sleep 0.2'], isDone: [test, -e, ${mark}], undo: [sh, -c, 'rm -f ${mark}; ${say('undid')}'] }\n`;
  };
  place.configure({
    connection: server.url('shop'),
    programs: bin,
    sourceOptions: `, environment: production, service: db, ground: { kind: folder, folder: ${server.dataFolder} }`,
    options: `services:
${supervisor.yaml('db')}${supervisor.yaml('writer', ', writes: [database], after: [db]')}${supervisor.yaml('job', ', writes: [database], after: [db]')}recovery:
  watch: 1s
  keepFormer: 1s
  after:
${after('migrate')}${after('flush')}`,
  });
}

/** Takes ticks into the database for as long as it is up; a server that is away for a while is come back to. */
class Writer {
  #isStopped = true;
  #done: Promise<void> = Promise.resolve();
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async start(): Promise<void> {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const client = new pg.Client({ connectionString: this.#url, application_name: 'writer' });
      client.on('error', () => {});
      try {
        await client.connect();
        while (!this.#isStopped) {
          await client.query('insert into ticks default values');
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100));
      } finally {
        await client.end().catch(() => {});
      }
    }
  }
}

function leftovers(place: Installation, server: TestServer): readonly string[] {
  const named = (folder: string, known: RegExp = /^$/) =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => !known.test(name))
          .map((name) => join(folder, name))
      : [];
  return [
    ...named(join(place.stateFolder, 'runs')),
    ...named(place.temporaryFolder).filter((folder) => !isOfOtherSpace(folder)),
    // A file that was being written has a name of its own, and goes with a later prune.
    ...named(join(place.repositoryFolder, 'locks'), /-tmp-/),
    ...named(dirname(server.dataFolder), /^(data|\.s\.PGSQL\..*)$/),
    ...processesOf(place),
  ];
}

/**
 * What a process in a process space of its own has left, as each life on another host has one: it cannot be told from one that lives, and
 * stays by design until that machine starts anew.
 */
function isOfOtherSpace(folder: string): boolean {
  for (const name of ['lifeboat-scratch', 'owner.json']) {
    const file = join(folder, name);
    if (!existsSync(file)) continue;
    const said = JSON.parse(readFileSync(file, 'utf8')) as Owner & { owner?: Owner };
    const { space } = said.owner ?? said;
    return space !== undefined && !space.endsWith(readlinkSync('/proc/self/ns/pid'));
  }
  return false;
}

interface Owner {
  readonly space?: string;
}

/** Whatever works in the folders of the installation, or was started by one of its commands. */
function processesOf({ folder }: Installation): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const at = readlinkSync(`/proc/${pid}/cwd`);
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      const isOurs = [words, `${at}/`, environment].some((each) => each.includes(`${folder}/`));
      return isOurs ? [`process ${pid}: ${words}`] : [];
    } catch {
      // It has ended, or belongs to somebody else.
      return [];
    }
  });
}
