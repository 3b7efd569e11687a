import { expect } from 'vitest';
import type { FailingWay, FailureTable } from './failing-way.ts';
import type { FailureScene } from './failure-scene.ts';
import {
  breakProgram,
  change,
  customers,
  hanging,
  look,
  mendAll,
  restored,
  source,
  yaml,
} from './server-faults.ts';

// Kinds that put restored databases in place on a server by connection alone.

type Case = Partial<FailingWay>;

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

export const onAServerGround: FailureTable = {
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
    'time-out': bringing('swap', hanging('"shop" rename to')),
    'non-zero': { cannot: 'it starts no program' },
    cut: bringing('swap', {
      fault: 'the connection is cut as databases are renamed',
      isQuick: true,
      prepare: (scene) => scene.database.relay.breakAt('"shop" rename to', 'cut'),
      says: /broke|could not connect/,
    }),
  },
  settle: {
    cut: bringing('settle', {
      fault: 'the connection is cut as the former database is removed',
      prepare: (scene) => scene.database.relay.breakAt('drop database if exists "', 'cut'),
      says: /broke|could not connect/,
      hasNoWayBack: true,
    }),
    'wrong answer': {
      cannot:
        'it is answered by what is there: anything but a swap of this run is refused (`src/recovery/ground/ground-contract.ts`)',
    },
  },
};
