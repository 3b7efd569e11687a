import type { Progress } from '../../../core/index.ts';
import type { Lsn } from '../../../wal/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import type { RunningServer } from '../server/index.ts';
import type { RecoveryPlan } from './recovery-plan.ts';
import { findSuperuser } from './superuser.ts';

/** A restored server before it is handed over: at its moment, isolated, on a Unix socket only. */
export interface RestoredServer {
  readonly dataFolder: string;
  /** Behind the last byte that was replayed. */
  readonly reachedLsn: Lsn;
  /** The timeline that was followed up to there. */
  readonly timeline: number;
  readonly base: RecoveryPlan['backup'];
  /** As a superuser, unless `user` says otherwise. */
  connection(database: string, user?: string): ConnectionSettings;
}

/** Looks at the data. Whatever it does there the user would keep: nothing may stay. */
export type InspectRestored = (restored: RestoredServer) => Promise<void>;

/** Lets `inspect` look; without a superuser that may log in there is nothing to look with, which is a warning. */
export async function inspectRestored(
  inspect: InspectRestored,
  server: RunningServer,
  about: Pick<RestoredServer, 'reachedLsn' | 'timeline' | 'base'> & {
    readonly users: readonly string[];
    readonly progress: Progress;
  },
): Promise<void> {
  const { users, progress, ...facts } = about;
  const login = await findSuperuser(server, users);
  if (login) {
    await inspect({
      ...facts,
      dataFolder: server.dataFolder,
      connection: (database, user = login.user) => server.connection(database, user),
    });
    return;
  }
  progress({
    type: 'warning',
    message: `the restored data is not checked: none of ${users.join(', ')} is a superuser that may log in`,
    hint: 'Name a superuser of the original server in `rescue`, or run `lifeboat prove`.',
  });
}
