import type { ServiceState, ServiceStatus } from '../platform.ts';
import type { SystemdCall, SystemdClient } from './systemd-client.ts';
import type { UnitHold } from './unit-hold.ts';

/** A unit as `systemctl show` tells of it. */
export interface Unit {
  /** Its full name: `shop-api` is `shop-api.service`. */
  readonly id: string;
  /** `loaded`, `masked`, `not-found`, `bad-setting`. */
  readonly loadState: string;
  readonly activeState: string;
  readonly subState: string;
  /** `enabled`, `disabled`, `static`, `masked`; empty: there is no file. */
  readonly fileState: string;
  readonly result: string;
  readonly exitStatus: string;
  readonly restarts: number;
  /** When it became active, by systemd's own clock. */
  readonly startedAt: string;
  /** Sockets, timers and paths that start it, as far as they are active. */
  readonly activeTriggers: readonly string[];
  readonly isHeld: boolean;
  /** systemd has not read its files since they changed. */
  readonly isStale: boolean;
}

export interface UnitPlace {
  readonly client: SystemdClient;
  readonly hold: UnitHold;
}

const properties =
  'Id,LoadState,ActiveState,SubState,UnitFileState,Result,ExecMainStatus,NRestarts,TriggeredBy,NeedDaemonReload,ActiveEnterTimestampMonotonic';

export async function lookAtUnit(
  { client, hold }: UnitPlace,
  name: string,
  call: SystemdCall,
): Promise<Unit> {
  const found = await showUnit(client, name, properties, call);
  const first = (key: string) => found.get(key)?.[0] ?? '';
  const triggers = first('TriggeredBy')
    .split(' ')
    .filter((trigger) => trigger !== '');
  const active = triggers.length === 0 ? [] : await upOf(client, triggers, call);
  return {
    id: first('Id'),
    loadState: first('LoadState'),
    activeState: first('ActiveState'),
    subState: first('SubState'),
    fileState: first('UnitFileState'),
    result: first('Result'),
    exitStatus: first('ExecMainStatus'),
    restarts: Number(first('NRestarts') || 0),
    startedAt: first('ActiveEnterTimestampMonotonic'),
    activeTriggers: active.toSorted(),
    isHeld: await hold.isHeld(first('Id')),
    isStale: first('NeedDaemonReload') === 'yes',
  };
}

/** Properties with all of their values: some come once for each. */
export async function showUnit(
  client: SystemdClient,
  name: string,
  wanted: string,
  call: SystemdCall,
): Promise<ReadonlyMap<string, readonly string[]>> {
  return propertiesOf(await client.systemctl(['show', '--property', wanted, '--', name], call));
}

/** Those of the units that are up. */
async function upOf(
  client: SystemdClient,
  names: readonly string[],
  call: SystemdCall,
): Promise<readonly string[]> {
  const text = await client.systemctl(
    ['show', '--property', 'Id,ActiveState', '--', ...names],
    call,
  );
  // A blank line lies between units.
  return text
    .split('\n\n')
    .map(propertiesOf)
    .filter((each) => isUp(each.get('ActiveState')?.[0] ?? ''))
    .map((each) => each.get('Id')?.[0] ?? '');
}

function propertiesOf(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const split = line.indexOf('=');
    if (split === -1) continue;
    const key = line.slice(0, split);
    found.set(key, [...(found.get(key) ?? []), line.slice(split + 1)]);
  }
  return found;
}

/** Something of it exists, or will in a moment. */
export function isUp(activeState: string): boolean {
  return !['inactive', 'failed', ''].includes(activeState);
}

export function stateOf(unit: Unit): ServiceState {
  return {
    status: statusOf(unit),
    text: textOf(unit),
    ...(unit.restarts > 0
      ? { restarts: { count: unit.restarts, ...activeSince(unit.startedAt) } }
      : {}),
    restore: {
      unit: unit.id,
      isUp: isUp(unit.activeState),
      isHeld: unit.isHeld,
      fileState: unit.fileState,
      triggers: unit.activeTriggers,
    },
  };
}

/** Microseconds of the clock that `process.hrtime` reads, too; zero: never. */
function activeSince(startedAt: string): { readonly since?: string } {
  const micros = Number(startedAt);
  if (!(micros > 0)) return {};
  const agoMs = Number(process.hrtime.bigint() / 1_000_000n) - micros / 1000;
  return { since: new Date(Date.now() - agoMs).toISOString() };
}

function statusOf({ loadState, activeState, subState }: Unit): ServiceStatus {
  if (!isUp(activeState)) return loadState === 'not-found' ? 'absent' : 'stopped';
  if (subState === 'auto-restart') return 'failing';
  return activeState === 'activating' ? 'starting' : 'running';
}

/** For people. */
export function textOf(unit: Unit): string {
  const { loadState, activeState, subState, fileState, result, exitStatus, restarts } = unit;
  if (loadState === 'not-found') return 'there is no such unit';
  const parts = [`${activeState} (${subState})`];
  if (activeState === 'failed' || subState === 'auto-restart') {
    parts.push(`${result}, exited with ${exitStatus}`);
  }
  if (fileState !== '') parts.push(fileState);
  if (loadState !== 'loaded' && loadState !== fileState) parts.push(loadState);
  if (restarts > 0) parts.push(`restarted ${restarts} times`);
  if (unit.activeTriggers.length > 0) parts.push(`started by ${unit.activeTriggers.join(', ')}`);
  if (unit.isHeld) parts.push('kept from starting by Lifeboat');
  return parts.join(', ');
}
