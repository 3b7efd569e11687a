import { byCommands } from './by-commands.ts';
import { byPeople } from './by-people.ts';
import { byServices } from './by-services.ts';
import type { FailureTable } from './failing-way.ts';
import { inContainers } from './in-containers.ts';
import { onALiveServer } from './on-a-live-server.ts';
import { onAServerGround } from './on-a-server-ground.ts';
import { onFolders } from './on-folders.ts';
import { onRestoredData } from './on-restored-data.ts';

/** What takes no database server. */
export const withoutServer: readonly FailureTable[] = [byCommands, byServices, byPeople, onFolders];
export const withContainers: readonly FailureTable[] = [inContainers];
export const withServer: readonly FailureTable[] = [onALiveServer, onRestoredData, onAServerGround];
