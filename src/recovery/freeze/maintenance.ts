import { hostname } from 'node:os';
import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import { fingerprintOfHost, runProgram } from '../../platforms/index.ts';
import type {
  FrozenMaintenanceCommand,
  FrozenMaintenanceFile,
  FrozenPlace,
} from './freeze-record.ts';
import type { FreezeRequest, FreezeWorld } from './freeze-request.ts';
import {
  lookAtMaintenanceFile,
  putMaintenanceFile,
  takeMaintenanceFileAway,
} from './maintenance-file.ts';
import { pageFileKey } from './taken-over.ts';

const withinMs = 60_000;

export type FrozenMaintenance = FrozenMaintenanceCommand | FrozenMaintenanceFile;

/** The maintenance pages of the configuration as they are now: by commands, by a file, both, or none. */
export async function lookAtMaintenance(
  world: FreezeWorld,
  freeze: string,
  sources: readonly string[],
): Promise<readonly FrozenMaintenance[]> {
  const { maintenance, maintenanceFile } = world.surroundings.configuration.recovery;
  const common = { sources, place: await thisHost(), state: 'planned' } as const;
  const found: FrozenMaintenance[] = [];
  if (maintenance !== undefined) {
    const shown =
      maintenance.isOn &&
      (await run(world, maintenance.isOn, 'look whether the maintenance page is shown'));
    found.push({
      ...common,
      kind: 'maintenance-command',
      name: 'maintenance page',
      intent: 'show the maintenance page',
      former: shown === undefined ? 'unknown' : shown === 0 ? 'on' : 'off',
    });
  }
  if (maintenanceFile !== undefined) {
    found.push({
      ...common,
      kind: 'maintenance-file',
      name: `maintenance page at ${maintenanceFile.at}`,
      intent: `put the maintenance page at ${maintenanceFile.at}`,
      ...(await lookAtMaintenanceFile(maintenanceFile, freeze)),
    });
  }
  return found;
}

/** Key of the page that would be put in the place of a file of this host; undefined: none would. */
export async function pageFileHere({
  surroundings,
  maintenance,
  sources,
}: FreezeRequest): Promise<string | undefined> {
  const { maintenanceFile } = surroundings.configuration.recovery;
  if (maintenanceFile === undefined || maintenance === false || sources.length === 0) {
    return undefined;
  }
  return pageFileKey({ place: await thisHost(), at: maintenanceFile.at });
}

/** Resolves with whether anything was changed. Errors: `platform.failed`, `file.unreadable`. */
export async function showMaintenance(
  world: FreezeWorld,
  item: FrozenMaintenance,
): Promise<boolean> {
  const { maintenance, maintenanceFile } = world.surroundings.configuration.recovery;
  if (item.kind === 'maintenance-file') {
    // One of another host that has shown it: there it is, and nothing is to be done from here.
    if (item.state === 'done' && !(await isHere(item.place))) return false;
    await requireThisHost(item.place);
    if (maintenanceFile === undefined) throw gone('maintenanceFile');
    return await putMaintenanceFile(maintenanceFile.page, item);
  }
  if (item.former === 'on') return false;
  if (maintenance === undefined) throw gone('maintenance');
  const look = 'look whether the maintenance page is shown';
  if (maintenance.isOn && (await run(world, maintenance.isOn, look)) === 0) return false;
  if (item.state === 'done' && maintenance.isOn === undefined) return false;
  await runWell(world, maintenance.on, 'show the maintenance page');
  return true;
}

/** Resolves with what was left as it is, and why. */
export async function takeMaintenanceAway(
  world: FreezeWorld,
  item: FrozenMaintenance,
): Promise<string | undefined> {
  if (item.kind === 'maintenance-file') {
    await requireThisHost(item.place);
    return await takeMaintenanceFileAway(item);
  }
  if (item.former === 'on') return 'the maintenance page was shown before, and is';
  const { maintenance } = world.surroundings.configuration.recovery;
  if (maintenance === undefined) throw gone('maintenance');
  await runWell(world, maintenance.off, 'take the maintenance page away');
  return undefined;
}

export async function thisHost(): Promise<FrozenPlace> {
  return { text: `files and commands of ${hostname()}`, fingerprint: await fingerprintOfHost() };
}

async function isHere({ fingerprint }: FrozenPlace): Promise<boolean> {
  return (await thisHost()).fingerprint === fingerprint;
}

async function requireThisHost(place: FrozenPlace): Promise<void> {
  if (await isHere(place)) return;
  throw new LifeboatError('platform.other-place', `it is one of the ${place.text}`, {
    hint: 'Run thaw there; if that host is gone, leave it with --leave.',
  });
}

function gone(option: string): LifeboatError {
  return new LifeboatError(
    'config.invalid',
    `recovery.${option} is not in lifeboat.yaml any more`,
    {
      hint: 'Put it back, or leave the page with --leave.',
    },
  );
}

async function runWell(world: FreezeWorld, command: readonly string[], purpose: string) {
  const exitCode = await run(world, command, purpose);
  if (exitCode === 0) return;
  throw new LifeboatError(
    'platform.failed',
    `cannot ${purpose}: ${command[0]} ended with ${exitCode}`,
  );
}

async function run(
  { surroundings, signal }: FreezeWorld,
  [program = '', ...args]: readonly string[],
  purpose: string,
): Promise<number> {
  const { environment } = surroundings;
  const call = { program, args, environment, purpose, timeoutMs: withinMs, signal };
  const { exitCode } = await runProgram({ ...call, keep: 'newest' });
  return exitCode;
}

/** Not being able to show the page is no reason to let writers go on. */
export function isPageProblem(error: unknown): error is LifeboatError {
  return isLifeboatError(error) && !isLifeboatError(error, 'cancelled', 'bug', 'disk.full');
}
