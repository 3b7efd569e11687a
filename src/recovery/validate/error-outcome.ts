import { isLifeboatError, type LifeboatError } from '../../core/index.ts';
import type { UnitOutcome } from './check.ts';
import type { Place } from './place.ts';

/** Ended by a time-out or by somebody; a lock was not to be had; a right is missing; the machine had no room. */
const saysNothing = /^(57014|55P03|42501|53)/;
/** Of a server that others use: it stops, a standby had to go on, a deadlock, something was dropped meanwhile. */
const othersAtWork = /^(57P0|40|42P01|42704|3F000)/;
const goneMeanwhile = /could not open relation with OID|does not exist/;

/**
 * What an error means for what was looked at. What the data cannot help is no problem of it. Throws on: `cancelled`, `bug`, and
 * a live server that does not answer any more.
 */
export function outcomeOfError(error: unknown, place: Pick<Place, 'kind' | 'isKept'>): UnitOutcome {
  if (!isLifeboatError(error) || isLifeboatError(error, 'bug', 'cancelled')) throw error;
  const isLive = place.kind === 'live';
  const isAway = isLifeboatError(error, 'postgres.unreachable', 'postgres.connection-lost');
  // A copy has nobody to stop it: when it is gone, reading its data has ended it.
  if (isAway && isLive) throw error;
  const notChecked = { problems: [], notChecked: saidBy(error) };
  const { code, message, context } = error as LifeboatError;
  if (code === 'postgres.refused' && (isLive || place.isKept)) return notChecked;
  if (code === 'postgres.query') {
    const state = String(context.sqlstate);
    if (saysNothing.test(state)) return notChecked;
    if (isLive && (othersAtWork.test(state) || goneMeanwhile.test(message))) return notChecked;
  }
  return { problems: [saidBy(error)] };
}

/** Without the address of the scratch server, which says nothing once it is gone. */
function saidBy({ message, code, cause }: LifeboatError): string {
  return code === 'postgres.query' && cause instanceof Error ? cause.message : message;
}
