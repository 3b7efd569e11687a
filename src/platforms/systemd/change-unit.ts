import { z } from 'zod';
import type { SystemdService } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import type { Deadline } from '../deadline.ts';
import { describeService } from '../describe-service.ts';
import type { ServiceState } from '../platform.ts';
import { readRecord } from '../read-answer.ts';
import { Settling } from '../settling.ts';
import { untilState } from '../until-state.ts';
import type { SystemdCall } from './systemd-client.ts';
import { isUp, lookAtUnit, textOf, type Unit, type UnitPlace } from './unit.ts';

export interface UnitWork extends UnitPlace {
  readonly service: SystemdService;
  readonly deadline: Deadline;
  readonly signal: AbortSignal | undefined;
}

/** `ServiceState.restore`. Without the rest only what the state says is meant: it runs or not. */
const restoreRecord = z.object({
  isUp: z.boolean().optional(),
  isHeld: z.boolean().default(false),
  triggers: z.array(z.string()).optional(),
});

/**
 * Stops a unit and what starts it. It is held first, so that nothing starts it in between. Its triggers are stopped too: a socket whose
 * service may not start fails for good on the first connection.
 */
export async function stopUnit(work: UnitWork): Promise<void> {
  const { client, service, deadline } = work;
  const purpose = `stop the ${describeService(service)}`;
  const call = callsOf(work, purpose);
  await untilState({
    purpose,
    deadline,
    signal: work.signal,
    async begin() {
      const unit = await lookAtUnit(work, service.unit, call());
      if (unit.loadState === 'not-found') return;
      await setHold(work, unit, true, call());
      const up = [...unit.activeTriggers, ...(isUp(unit.activeState) ? [unit.id] : [])];
      if (up.length > 0) await client.systemctl(['stop', '--', ...up], call());
    },
    async look(timeoutMs) {
      const unit = await lookAtUnit(work, service.unit, call(timeoutMs));
      return isUp(unit.activeState) ? `it is ${textOf(unit)}` : undefined;
    },
    hint: 'systemd goes on trying. See what it waits for (systemctl status), or give it more time by stopWithin, then run the command again.',
  });
}

/** Makes a unit and what starts it what they were. `isChanged`: it was started just before. */
export async function restoreUnit(
  work: UnitWork,
  state: ServiceState,
  isChanged = false,
): Promise<void> {
  const { client, service, deadline } = work;
  const what = `put back the ${describeService(service)}`;
  const record = readRecord(restoreRecord, state.restore, { purpose: what });
  const wantsUp = record.isUp ?? (state.status !== 'stopped' && state.status !== 'absent');
  const purpose = wantsUp ? `start the ${describeService(service)}` : what;
  const call = callsOf(work, purpose);
  const settling = new Settling();
  let isNew = isChanged;
  await untilState({
    purpose,
    deadline,
    signal: work.signal,
    async begin() {
      const unit = await lookAtUnit(work, service.unit, call());
      if (unit.loadState === 'not-found') {
        if (wantsUp) throw absentUnit(service, purpose);
        return;
      }
      await setHold(work, unit, record.isHeld, call());
      const former = record.triggers ?? unit.activeTriggers;
      const stop = unit.activeTriggers.filter((each) => !former.includes(each));
      if (!wantsUp && isUp(unit.activeState)) stop.push(unit.id);
      if (stop.length > 0) await client.systemctl(['stop', '--', ...stop], call());
      // First what starts it: a socket cannot be opened any more once its service runs.
      const start = former.filter((each) => !unit.activeTriggers.includes(each));
      if (start.length > 0) await client.systemctl(['start', '--', ...start], call());
      if (wantsUp && !isUp(unit.activeState)) {
        await client.systemctl(['start', '--', unit.id], call());
        isNew = true;
      }
    },
    async look(timeoutMs) {
      const askedAt = performance.now();
      const unit = await lookAtUnit(work, service.unit, call(timeoutMs));
      if (!wantsUp) return isUp(unit.activeState) ? `it is ${textOf(unit)}` : undefined;
      const isSettled =
        (!isNew && unit.restarts === 0) || settling.isSettled(unit.id, unit.startedAt, askedAt);
      return notYetUp(unit, isSettled, purpose);
    },
    hint: 'Its journal says why (journalctl --unit). Put that right and run the command again, or give it more time by startWithin.',
  });
}

/** Stops and starts it, where it is; one that is held stays so and is an error of systemd's. */
export async function restartUnit(work: UnitWork): Promise<void> {
  const { client, service } = work;
  const purpose = `restart the ${describeService(service)}`;
  const unit = await lookAtUnit(work, service.unit, callsOf(work, purpose)());
  if (unit.loadState === 'not-found') throw absentUnit(service, purpose);
  await client.systemctl(['restart', '--', unit.id], callsOf(work, purpose)());
  await restoreUnit(work, { status: 'running', text: '', restore: { isHeld: unit.isHeld } }, true);
}

async function setHold(
  { client, hold }: UnitWork,
  unit: Unit,
  isWanted: boolean,
  call: SystemdCall,
): Promise<void> {
  if (isWanted !== unit.isHeld) await (isWanted ? hold.hold(unit.id) : hold.release(unit.id));
  // A former call may have died before systemd read what it had written.
  else if (!unit.isStale) return;
  await client.systemctl(['daemon-reload'], call);
}

function notYetUp(unit: Unit, isSettled: boolean, purpose: string): string | undefined {
  if (!isUp(unit.activeState)) {
    throw new LifeboatError('platform.failed', `cannot ${purpose}: it is ${textOf(unit)}`, {
      hint: 'Its journal says why (journalctl --unit). Put that right and run the command again.',
    });
  }
  if (unit.activeState !== 'active') return `it is ${textOf(unit)}`;
  return isSettled ? undefined : 'it has only just been started';
}

export function absentUnit(service: SystemdService, purpose: string): LifeboatError {
  return new LifeboatError(
    'platform.failed',
    `cannot ${purpose}: there is no ${describeService(service)}`,
    {
      hint: 'Put its unit file back (the last service baseline says of what it was), then run systemctl daemon-reload and the command again.',
    },
  );
}

function callsOf({ deadline, signal }: UnitWork, purpose: string) {
  return (timeoutMs = deadline.leftMs()): SystemdCall => ({ purpose, timeoutMs, signal });
}
