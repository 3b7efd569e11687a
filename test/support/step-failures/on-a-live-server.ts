import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect } from 'vitest';
import { PersistentWriter, rightsOf } from '../freeze-scene.ts';
import type { FailingWay, FailureTable } from './failing-way.ts';
import type { FailureScene } from './failure-scene.ts';
import {
  breakProgram,
  change,
  customers,
  deadProgram,
  hanging,
  look,
  mendAll,
  otherBytes,
  source,
  yaml,
} from './server-faults.ts';

// Kinds that work on a database server that is in use.

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
    // Its files are on this host, and would be read without a connection.
    yaml: (scene) => yaml(scene, ', local: never'),
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
      isQuick: true,
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

export const onALiveServer: FailureTable = {
  freeze: {
    cut: freezing({
      fault: 'the connection is cut as the database is closed',
      isQuick: true,
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
      isQuick: true,
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
      isQuick: true,
      prepare: (scene) => scene.database.relay.breakAt('insert into', 'cut'),
      says: /broke|could not connect/,
    }),
    'wrong answer': rescuing(otherBytes),
  },
  extract: {
    'time-out': extracting(hanging('customer 250')),
    'non-zero': extracting({
      fault: 'pg_restore ends with 1',
      isQuick: true,
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
};
