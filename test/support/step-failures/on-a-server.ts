import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect } from 'vitest';
import type { StepKindName } from '../../../src/recovery/index.ts';
import { PersistentWriter, rightsOf } from '../freeze-scene.ts';
import type { FailingWay, FailureTable } from './failing-way.ts';
import type { FailureScene } from './failure-scene.ts';

// Kinds that work on a real database server, or on what was restored of it.

const source = 'database';

function change(id: string, kind: StepKindName, input: Readonly<Record<string, unknown>>) {
  return { id, kind, input };
}

function look(id: string, kind: StepKindName, input: Readonly<Record<string, unknown>>) {
  return { id, kind, input, isDestructive: false };
}

/** `lifeboat.yaml` with the server behind the relay. */
function yaml(scene: FailureScene, more = '', lines = ''): string {
  const { database } = scene;
  return `sources: { database: { kind: postgres, connection: "${database.url()}", programs: ${database.programs}${more} } }\n${lines}`;
}

async function customers(scene: FailureScene, table = 'customers'): Promise<number> {
  const { server } = scene.database;
  const { rows } = await server.query(`select count(*)::int as n from ${table}`, 'shop');
  return rows[0].n;
}

const dies = 'echo "could not map anonymous shared memory" >&2; exit 1';
type Program = 'postgres' | 'pg_dump' | 'pg_restore';

function faultOf(scene: FailureScene, name: Program): string {
  return join(scene.database.faults, `broken-${name}`);
}

/** A program of the server fails from now on, until the scene is mended. */
function breakProgram(scene: FailureScene, name: Program, how: string): void {
  writeFileSync(faultOf(scene, name), `${how}\n`);
  scene.defer(() => mendAll(scene));
}

const hangs = (scene: FailureScene) => `touch ${scene.database.faults}/hung; exec sleep 600`;

function mendAll(scene: FailureScene): void {
  const { relay, faults } = scene.database;
  relay.mend();
  for (const name of readdirSync(faults)) rmSync(join(faults, name));
}

/** Nothing is heard of the server any more, without an end of the connection: only Ctrl-C ends that. */
function hanging(
  marker: string,
): Pick<FailingWay, 'fault' | 'prepare' | 'cancels' | 'code' | 'says'> {
  return {
    fault: 'the server is not heard of any more, and Ctrl-C is pressed',
    prepare: (scene) => scene.database.relay.breakAt(marker, 'hang'),
    cancels: (scene) => scene.database.relay.isBroken(),
    code: 'cancelled',
    says: /step "Do it" was interrupted/,
  };
}

const hungProgram: Pick<FailingWay, 'fault' | 'prepare' | 'cancels' | 'code' | 'says'> = {
  fault: 'the server of the restored data hangs, and Ctrl-C is pressed',
  prepare: (scene) => breakProgram(scene, 'postgres', hangs(scene)),
  cancels: (scene) => existsSync(join(scene.database.faults, 'hung')),
  code: 'cancelled',
  says: /step "Do it" was interrupted/,
};

const deadProgram: Pick<FailingWay, 'fault' | 'prepare' | 'says'> = {
  fault: 'the server of the restored data does not start',
  prepare: (scene) => breakProgram(scene, 'postgres', dies),
  says: /could not map anonymous shared memory|did not start/,
};

function packs({ database }: FailureScene) {
  return {
    folder: join(database.repositoryFolder, 'data'),
    away: `${database.repositoryFolder}.away`,
  };
}

function packsBack(scene: FailureScene): void {
  const { folder, away } = packs(scene);
  if (!existsSync(away)) return;
  rmSync(folder, { recursive: true, force: true });
  renameSync(away, folder);
}

const vanished: Pick<FailingWay, 'fault' | 'prepare' | 'mend' | 'says'> = {
  fault: 'the packs of the repository vanish',
  prepare(scene) {
    const { folder, away } = packs(scene);
    renameSync(folder, away);
    scene.defer(() => packsBack(scene));
  },
  mend: packsBack,
  says: /data\/[0-9a-f]{2}|missing|not there/,
};

/** Turns bits of every pack over; done twice all is as before. */
function turnBits(scene: FailureScene): void {
  const found = readdirSync(packs(scene).folder, { recursive: true, withFileTypes: true });
  for (const each of found.filter((entry) => entry.isFile())) {
    const path = join(each.parentPath, each.name);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at += 500) bytes[at] = (bytes[at] as number) ^ 1;
    execFileSync('chmod', ['u+w', path]);
    writeFileSync(path, bytes);
  }
}

const otherBytes: Pick<FailingWay, 'fault' | 'prepare' | 'mend' | 'says'> = {
  fault: 'the repository gives other bytes',
  prepare: turnBits,
  mend: turnBits,
  says: /MAC does not match|not what was written|damaged/,
};

const oneTransaction = 'all of it is one transaction: nothing or all of it';

type Case = Partial<FailingWay>;

function rescuing(rest: Case): FailingWay {
  return {
    fault: '',
    yaml: (scene) => yaml(scene),
    steps: ({ database: { xid, commitLsn } }) => [
      change('it', 'rescue-rows', { source, xid, commitLsn, database: 'shop' }),
    ],
    says: /./,
    holds: async (scene) => expect(await customers(scene)).toBe(101),
    mend: mendAll,
    done: async (scene) => expect(await customers(scene)).toBe(501),
    stays: /Do it/,
    state: (scene) => customers(scene),
    ...rest,
  };
}

function extracting(rest: Case): FailingWay {
  return {
    fault: '',
    yaml: (scene) => yaml(scene),
    steps: ({ database: { commitLsn } }) => [
      change('it', 'extract', {
        source,
        target: { kind: 'lsn', lsn: commitLsn, inclusive: false },
        database: 'shop',
        tables: [{ schema: 'public', name: 'customers' }],
        into: 'side-schema',
      }),
    ],
    says: /./,
    holds: async (scene) => expect(await sideSchemas(scene)).toEqual([]),
    mend: mendAll,
    async done(scene) {
      const [name, other] = await sideSchemas(scene);
      expect(other).toBeUndefined();
      expect(await customers(scene, `${name}.customers`)).toBe(500);
    },
    stays: /Do it \(was begun, and was found not done\)/,
    state: async (scene) => [await customers(scene), await sideSchemas(scene)],
    ...rest,
  };
}

async function sideSchemas(scene: FailureScene): Promise<readonly string[]> {
  const { rows } = await scene.database.server.query(
    `select nspname as name from pg_namespace where nspname like 'lifeboat\\_%'`,
    'shop',
  );
  return rows.map(({ name }) => name);
}

function freezing(rest: Case): FailingWay {
  return {
    fault: '',
    yaml: (scene) => yaml(scene),
    steps: () => [
      change('it', 'freeze', { services: [], sources: [source], maintenance: false }),
      change('thaw', 'thaw', { of: 'it' }),
    ],
    says: /./,
    mend: mendAll,
    done: rightsAreBack,
    state: ({ database }) => rightsOf(database.server),
    ...rest,
  };
}

async function rightsAreBack(scene: FailureScene): Promise<void> {
  expect(await rightsOf(scene.database.server)).toEqual(scene.before);
}

function thawing(rest: Case): FailingWay {
  return freezing({
    steps: () => [
      change('freeze', 'freeze', { services: [], sources: [source], maintenance: false }),
      change('it', 'thaw', { of: 'freeze' }),
    ],
    ...rest,
  });
}

function backingUp(kind: 'safety-snapshot' | 'backup', rest: Case): FailingWay {
  return {
    fault: '',
    yaml: (scene) => yaml(scene),
    steps: () => [look('it', kind, { source, raw: false })],
    says: /./,
    // Half a backup is none.
    holds: async (scene) => expect(await snapshots(scene)).toEqual(scene.before),
    mend: mendAll,
    done: async (scene) =>
      expect(await snapshots(scene)).toHaveLength((scene.before as unknown[]).length + 1),
    state: snapshots,
    ...rest,
  };
}

async function snapshots({ database }: FailureScene): Promise<readonly string[]> {
  return readdirSync(join(database.repositoryFolder, 'snapshots')).sort();
}

/** All is stored but the file that makes it a snapshot. */
const almostStored: Pick<FailingWay, 'fault' | 'prepare' | 'mend' | 'says'> = {
  fault: 'the repository takes the data, and not the snapshot',
  prepare(scene) {
    const folder = join(scene.database.repositoryFolder, 'snapshots');
    execFileSync('chattr', ['+i', folder]);
    scene.defer(() => void execFileSync('chattr', ['-i', folder]));
  },
  mend: ({ database }) =>
    void execFileSync('chattr', ['-i', join(database.repositoryFolder, 'snapshots')]),
  says: /snapshots/,
};

function backups(kind: 'safety-snapshot' | 'backup') {
  return {
    'time-out': backingUp(kind, {
      ...hanging(''),
      prepare: (scene) => scene.database.relay.breakAfter(2 ** 20, 'hang'),
    }),
    'non-zero': { cannot: 'it starts no program: it speaks the replication protocol itself' },
    partial: backingUp(kind, almostStored),
    cut: backingUp(kind, {
      fault: 'the connection is cut in the middle of the data',
      prepare: (scene) => scene.database.relay.breakAfter(2 ** 20, 'cut'),
      says: /broke|closed|cut|could not connect|connection/,
    }),
    'wrong answer': backingUp(kind, {
      fault: 'a bit of a file is flipped on the way',
      prepare: (scene) => scene.database.relay.alterAfter(2 ** 20),
      says: /manifest|checksum|differ/,
    }),
  };
}

function restoring(rest: Case): FailingWay {
  return {
    fault: '',
    yaml: (scene) => yaml(scene),
    steps: ({ database: { commitLsn } }) => [
      look('it', 'restore', {
        source,
        target: { kind: 'lsn', lsn: commitLsn, inclusive: false },
      }),
    ],
    says: /./,
    mend: mendAll,
    state: restoredFolders,
    ...rest,
  };
}

function restoredFolders(scene: FailureScene): readonly string[] {
  const runs = scene.at('scratch/runs');
  const found = existsSync(runs) ? readdirSync(runs, { recursive: true, encoding: 'utf8' }) : [];
  return found.filter((path) => path.includes('PG_VERSION'));
}

const restored = ({ database: { commitLsn } }: FailureScene) =>
  look('restore', 'restore', { source, target: { kind: 'lsn', lsn: commitLsn, inclusive: false } });
/** What makes a program of the server fail between two steps. */
const breakNow = {
  id: 'break',
  kind: 'command',
  isDestructive: false,
  input: { name: 'break' },
} as const;

function breakingLater(scene: FailureScene, name: Program, how: string): string {
  scene.defer(() => mendAll(scene));
  writeFileSync(scene.at('fault'), `${how}\n`);
  return `recovery: { after: [{ name: break, command: [cp, ${scene.at('fault')}, ${faultOf(scene, name)}], undo: ["true"] }] }`;
}

const enough = (atLeast: number) =>
  `, checks: [{ name: enough customers, database: shop, sql: "select count(*) from customers", atLeast: ${atLeast} }]`;

function validatingLive(rest: Case): FailingWay {
  return {
    fault: '',
    yaml: (scene) => yaml(scene, enough(50)),
    steps: () => [look('it', 'validate', { source, of: 'live', level: 'quick' })],
    says: /./,
    mend: mendAll,
    state: (scene) => customers(scene),
    ...rest,
  };
}

function validatingCopy(rest: Case): FailingWay {
  return validatingLive({
    steps: (scene) => [
      restored(scene),
      breakNow,
      look('it', 'validate', { source, of: 'restore', level: 'quick' }),
    ],
    ...rest,
  });
}

function proving(rest: Case): FailingWay {
  return {
    fault: '',
    yaml: (scene) => yaml(scene),
    steps: () => [look('it', 'prove', { source })],
    says: /./,
    mend: mendAll,
    state: (scene) => customers(scene),
    ...rest,
  };
}

const serverGround = ({ database }: FailureScene) =>
  `, ground: { kind: server, connection: "${database.url('postgres')}" }`;
const delivered = look('deliver', 'deliver', { source, of: 'restore' });
const swapped = change('swap', 'swap', { source, of: 'deliver' });

/** The server as a ground: databases by dump, put in place by renaming. */
function bringing(it: 'deliver' | 'swap' | 'settle', rest: Case): FailingWay {
  return {
    fault: '',
    yaml: (scene) => yaml(scene, serverGround(scene)),
    steps: (scene) => {
      const former = { deliver: [], swap: [delivered], settle: [delivered, swapped] }[it];
      const inputs = {
        deliver: { source, of: 'restore' },
        swap: { source, of: 'deliver' },
        settle: { source, of: 'swap', afterMs: 0 },
      };
      const itself = it === 'deliver' ? look('it', it, inputs[it]) : change('it', it, inputs[it]);
      return [restored(scene), ...former, itself];
    },
    says: /./,
    mend: mendAll,
    holds: async (scene) => expect(await customers(scene)).toBe(it === 'settle' ? 500 : 101),
    done: async (scene) => expect(await customers(scene)).toBe(it === 'deliver' ? 101 : 500),
    state: async (scene) => [await customers(scene), await databases(scene)],
    ...rest,
  };
}

async function databases({ database }: FailureScene): Promise<readonly string[]> {
  const { rows } = await database.server.query(
    'select datname as name from pg_database order by 1',
  );
  return rows.map(({ name }) => name);
}

async function lock(scene: FailureScene): Promise<void> {
  const client = new pg.Client({ connectionString: scene.database.server.url('shop') });
  client.on('error', () => {});
  await client.connect();
  await client.query('begin; lock table customers in share mode');
  scene.release = async () => void (await client.end().catch(() => {}));
  scene.defer(() => scene.release());
}

function write(scene: FailureScene): void {
  const writer = new PersistentWriter(scene.database.server.url('shop'));
  scene.release = () => writer[Symbol.asyncDispose]();
  scene.defer(() => scene.release());
}

export const onAServer: FailureTable = {
  freeze: {
    cut: freezing({
      fault: 'the connection is cut as the database is closed',
      prepare: (scene) => scene.database.relay.breakAt('CONNECTION LIMIT', 'cut'),
      says: /the freeze is not complete: .*(broke|could not connect)/,
    }),
    partial: freezing({
      fault: 'a superuser comes back again and again',
      async prepare(scene) {
        await scene.database.server.query('create table if not exists orders (id serial)', 'shop');
        write(scene);
      },
      says: /the freeze is not complete: .*came back behind the freeze/,
      mend: (scene) => scene.release(),
    }),
    'time-out': freezing(hanging('CONNECTION LIMIT')),
  },
  thaw: {
    // What the freeze takes away it does not say with this number.
    cut: thawing({
      fault: 'the connection is cut as the database is opened',
      prepare: (scene) => scene.database.relay.breakAt('CONNECTION LIMIT 17', 'cut'),
      says: /not everything could be thawed: .*(broke|could not connect)/,
    }),
    'time-out': thawing(hanging('CONNECTION LIMIT 17')),
  },
  'safety-snapshot': backups('safety-snapshot'),
  backup: backups('backup'),
  'rescue-rows': {
    'time-out': [
      rescuing({
        fault: 'somebody holds a lock on the table',
        prepare: lock,
        says: /canceling statement due to lock timeout/,
        holds: () => {},
        mend: (scene) => scene.release(),
      }),
      rescuing(hanging('insert into')),
    ],
    'non-zero': rescuing(deadProgram),
    partial: {
      cannot: `${oneTransaction}; rows that others stand in the way of are saved beside, which is an outcome that says so (\`isPartial\`, exit code 3)`,
    },
    cut: rescuing({
      fault: 'the connection is cut in the transaction',
      prepare: (scene) => scene.database.relay.breakAt('insert into', 'cut'),
      says: /broke|could not connect/,
    }),
    'wrong answer': rescuing(otherBytes),
  },
  extract: {
    'time-out': extracting(hanging('customer 250')),
    'non-zero': extracting({
      fault: 'pg_restore ends with 1',
      prepare: (scene) => breakProgram(scene, 'pg_restore', 'echo "out of memory" >&2; exit 1'),
      says: /out of memory/,
    }),
    partial: { cannot: oneTransaction },
    cut: extracting({
      fault: 'the connection is cut as the table is loaded',
      prepare: (scene) => scene.database.relay.breakAt('customer 250', 'cut'),
      says: /pg_restore|connection|could not connect/,
    }),
    'wrong answer': extracting({
      fault: 'pg_dump writes something else',
      prepare: (scene) => breakProgram(scene, 'pg_dump', 'echo "no dump at all"; exit 0'),
      says: /./,
    }),
  },
  restore: {
    'time-out': restoring(hungProgram),
    'non-zero': restoring(deadProgram),
    partial: restoring({
      fault: 'the log lacks what the moment needs',
      prepare(scene) {
        const folder = join(scene.database.repositoryFolder, 'lifeboat');
        renameSync(folder, `${folder}.away`);
        scene.defer(() => {
          if (existsSync(`${folder}.away`)) renameSync(`${folder}.away`, folder);
        });
      },
      says: /./,
      mend(scene) {
        const folder = join(scene.database.repositoryFolder, 'lifeboat');
        rmSync(folder, { recursive: true, force: true });
        renameSync(`${folder}.away`, folder);
      },
    }),
    cut: restoring(vanished),
    'wrong answer': restoring(otherBytes),
  },
  validate: {
    'time-out': [
      validatingLive(hanging('from customers')),
      validatingCopy({
        ...hungProgram,
        prepare: () => {},
        yaml: (scene) => yaml(scene, '', breakingLater(scene, 'postgres', hangs(scene))),
      }),
    ],
    'non-zero': validatingCopy({
      ...deadProgram,
      prepare: () => {},
      yaml: (scene) => yaml(scene, '', breakingLater(scene, 'postgres', dies)),
    }),
    partial: {
      cannot:
        'what of it could not be looked at is named in the outcome; where nothing could be, that is the failure of the other ways',
    },
    cut: validatingLive({
      fault: 'the connection is cut in a check',
      prepare: (scene) => scene.database.relay.breakAt('from customers', 'cut'),
      says: /broke|could not|does not hold/,
    }),
    'wrong answer': validatingLive({
      fault: 'fewer rows than there have to be',
      yaml: (scene) => yaml(scene, enough(existsSync(scene.at('broken')) ? 200 : 50)),
      says: /database does not hold: .*enough customers/,
    }),
  },
  prove: {
    'time-out': proving(hungProgram),
    'non-zero': proving(deadProgram),
    partial: { cannot: 'a proof is of all of it: what could not be looked at stands in it' },
    cut: proving(vanished),
    'wrong answer': proving({
      fault: 'fewer rows than there have to be',
      yaml: (scene) => yaml(scene, enough(existsSync(scene.at('broken')) ? 200 : 50)),
      says: /the proof of database failed: .*enough customers/,
    }),
  },
  deliver: {
    'time-out': bringing('deliver', hanging('customer 250')),
    'non-zero': bringing('deliver', {
      fault: 'pg_restore ends with 1',
      prepare: (scene) => breakProgram(scene, 'pg_restore', 'echo "out of memory" >&2; exit 1'),
      says: /out of memory/,
    }),
    cut: bringing('deliver', {
      fault: 'the connection is cut as the data is loaded',
      prepare: (scene) => scene.database.relay.breakAt('customer 250', 'cut'),
      says: /./,
    }),
  },
  swap: {
    'time-out': bringing('swap', {
      fault: 'somebody connects again and again',
      async prepare(scene) {
        await scene.database.server.query('create table if not exists orders (id serial)', 'shop');
        const url = scene.database.server.url('shop');
        const clients = Array.from({ length: 3 }, () => new PersistentWriter(url));
        scene.release = async () => {
          for (const each of clients) await each[Symbol.asyncDispose]();
        };
        scene.defer(() => scene.release());
      },
      says: /sessions hold shop open/,
      mend: (scene) => scene.release(),
    }),
    'non-zero': { cannot: 'it starts no program' },
    cut: bringing('swap', {
      fault: 'the connection is cut as databases are renamed',
      prepare: (scene) => scene.database.relay.breakAt('"shop" rename to', 'cut'),
      says: /broke|could not connect/,
    }),
  },
  settle: {
    cut: bringing('settle', {
      fault: 'the connection is cut as the former database is removed',
      prepare: (scene) => scene.database.relay.breakAt('drop database if exists "', 'cut'),
      says: /broke|could not connect/,
      notUndone: { says: /given up already/, step: 'swap' },
      stays: /Do it|Do swap/,
      state: () => 'not as before, and told',
    }),
    'wrong answer': {
      cannot:
        'it is answered by what is there: anything but a swap of this run is refused (`src/recovery/ground/ground-contract.ts`)',
    },
  },
};
