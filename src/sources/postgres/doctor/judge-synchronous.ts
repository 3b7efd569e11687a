import type { Finding } from '../../source.ts';
import type { SlotLook } from '../stream/slot-look.ts';
import { judgeSynchronous, type SynchronousLevel } from '../stream/synchronous.ts';
import { ok, problem } from './finding.ts';

/** Whether commits wait for the stream as they should, also while it does not run. Undefined where nobody asks for it. */
export function judgeWaiting(
  look: SlotLook,
  wanted: SynchronousLevel | undefined,
  slot: string,
): Finding | undefined {
  const isNamed = look.standbyNames.includes(slot) || look.standbyNames.includes('*');
  const syncState = look.syncState ?? (isNamed ? 'sync' : 'async');
  const alarm = judgeSynchronous({ ...look, syncState, active: true }, wanted, slot);
  if (alarm) return problem('synchronous', alarm.message, alarm.hint);
  if (wanted === undefined) return undefined;
  return ok('synchronous', `commits wait for ${slot}: synchronous_commit is ${look.commitLevel}`);
}
