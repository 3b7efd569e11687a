import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FailingWay, FailureTable } from './failing-way.ts';
import type { FailureScene } from './failure-scene.ts';
import {
  customers,
  deadProgram,
  dies,
  faultOf,
  hanging,
  hangs,
  hungProgram,
  look,
  mendAll,
  otherBytes,
  type Program,
  restored,
  source,
  vanished,
  yaml,
} from './server-faults.ts';

// Kinds that restore a database, and look at what was restored.

type Case = Partial<FailingWay>;

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

export const onRestoredData: FailureTable = {
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
    'wrong answer': restoring({ ...otherBytes, isQuick: true }),
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
      isQuick: true,
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
};
