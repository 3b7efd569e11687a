import type { SourceKind } from '../../sources/index.ts';
import type { Method } from './plan.ts';
import type { Precondition } from './preconditions.ts';
import type { Situation } from './situation.ts';

/**
 * The decision matrix: what answers a situation, the best first. The first method whose preconditions hold is chosen. Less given up
 * stands before more, and less changed before more: rows before tables, tables before the cluster.
 */
export const answers: Readonly<Record<Situation, readonly Method[]>> = {
  intrusion: ['clean-rebuild'],
  'host-lost': ['new-server', 'full-restore', 'restore-files'],
  'data-gone': ['full-restore', 'point-in-time', 'new-server', 'restore-files'],
  corrupted: ['full-restore', 'point-in-time', 'new-server', 'restore-files'],
  'migration-failed': ['point-in-time', 'table-from-the-past', 'new-server'],
  'database-dropped': ['table-from-the-past', 'point-in-time'],
  'moment-named': ['table-from-the-past', 'point-in-time', 'new-server', 'restore-files'],
  'table-dropped': ['table-from-the-past', 'point-in-time'],
  'part-corrupted': ['full-restore', 'table-from-the-past'],
  'rows-overwritten': ['table-from-the-past', 'point-in-time'],
  'rows-deleted': ['rescue-rows', 'table-from-the-past', 'point-in-time'],
  'rows-missing': ['table-from-the-past', 'point-in-time', 'new-server'],
  'files-damaged': ['restore-files'],
  // That its data is gone, or damaged, somebody has to see, or say.
  'server-down': ['restart'],
  'deploy-wrong': ['redeploy'],
  'backups-bad': ['new-backup'],
};

export interface MethodEntry {
  /** Imperative, for people. */
  readonly title: string;
  readonly kinds: readonly SourceKind[];
  /** All of them must hold. */
  readonly needs: readonly Precondition[];
  /** `beside`: what is there stays until a swap; `into`: the live source is written to; `nothing`: data is left alone. */
  readonly changes: 'nothing' | 'into' | 'beside';
}

const clusters = ['postgres'] as const;
const databases = ['postgres', 'postgres-dump'] as const;
const all = ['postgres', 'postgres-dump', 'files', 'volume'] as const;

export const methods: Readonly<Record<Method, MethodEntry>> = {
  restart: {
    title: 'start the server again',
    kinds: clusters,
    needs: ['server-is-a-service', 'nothing-damaged'],
    changes: 'nothing',
  },
  'rescue-rows': {
    title: 'put the destroyed rows back, keep what was written since',
    kinds: clusters,
    needs: ['server-up', 'rows-told'],
    changes: 'into',
  },
  'table-from-the-past': {
    title: 'fetch tables as they were at a moment, leave all others alone',
    kinds: clusters,
    needs: ['server-up', 'tables-told', 'moment-known', 'moment-stored'],
    changes: 'into',
  },
  'point-in-time': {
    title: 'put the whole cluster back to a moment',
    kinds: databases,
    needs: ['moment-known', 'moment-stored', 'ground', 'ground-same'],
    changes: 'beside',
  },
  'full-restore': {
    title: 'restore the newest state there is',
    kinds: databases,
    needs: ['no-moment-named', 'newest-is-good', 'something-stored', 'ground', 'ground-same'],
    changes: 'beside',
  },
  'new-server': {
    title: 'restore to another place, and point the services there',
    kinds: databases,
    needs: ['something-stored', 'moment-known', 'moment-stored', 'ground', 'ground-elsewhere'],
    changes: 'beside',
  },
  'restore-files': {
    title: 'put files back from a snapshot',
    kinds: ['files', 'volume'],
    needs: ['something-stored'],
    changes: 'beside',
  },
  redeploy: {
    title: 'put images and environment back to the recorded baseline',
    kinds: all,
    needs: ['baseline-differs'],
    changes: 'nothing',
  },
  'new-backup': {
    title: 'take a new backup, and prove it',
    kinds: all,
    needs: ['data-there'],
    changes: 'nothing',
  },
  'clean-rebuild': {
    title: 'isolate, and rebuild elsewhere from a proven state before the intrusion',
    kinds: ['postgres', 'files', 'volume'],
    needs: ['clean-point', 'ground', 'ground-clean'],
    changes: 'beside',
  },
};

/** More tables than this are not fetched one by one: the whole cluster goes back. */
export const tablesTogether = 20;
