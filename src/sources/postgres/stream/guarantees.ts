import type { StreamAlarm } from '../../source.ts';
import { judgeSlot } from './slot-danger.ts';
import type { SlotLook } from './slot-look.ts';
import type { StreamOptions } from './stream-options.ts';
import type { StatePublisher } from './stream-state.ts';
import { isNeverWaitedFor, isWaitedFor, judgeSynchronous } from './synchronous.ts';

/** How often an endangered slot is looked at, and may be let go on. */
const endangeredIntervalMs = 5000;

/**
 * What the stream owes to the server's commits and to its slot, decided anew at every look: whether WAL goes to the repository
 * at once because commits wait for that, and whether the slot may follow the spool because it is nearly lost.
 */
export class Guarantees {
  readonly #options: StreamOptions;
  readonly #state: StatePublisher;
  readonly #intervalMs: number;
  #isHurried: boolean;

  constructor(options: StreamOptions, state: StatePublisher, intervalMs: number) {
    this.#options = options;
    this.#state = state;
    this.#intervalMs = intervalMs;
    this.#isHurried = options.synchronous === 'on';
  }

  /** Commits wait until the repository has their WAL: it goes there at once. */
  get isHurried(): boolean {
    return this.#isHurried;
  }

  /** Takes a look's facts; returns after how long to look again. `letSlotFollowSpool` is called where the policy says so. */
  consider(look: SlotLook, letSlotFollowSpool: () => void): number {
    const { slot, synchronous, applicationName = slot, slotMayRunAhead } = this.#options;
    const waits = isWaitedFor(look);
    // Also where less is promised than the server waits for.
    this.#isHurried = synchronous === 'on' || (waits === true && look.commitLevel === 'on');
    const danger = judgeSlot(look, slot);
    this.#state.alarm('slot', danger);
    this.#state.alarm('synchronous', judgeSynchronous(look, synchronous, applicationName));
    const { standbyNames: _names, ...told } = look;
    this.#state.slot({ name: slot, ...told });
    // What is not known counts as waiting: a commit that waits for the repository must never be told that it is there.
    const maySkip = slotMayRunAhead === true && synchronous === undefined && isNeverWaitedFor(look);
    const runsAhead = maySkip && danger?.level === 'late';
    if (runsAhead) letSlotFollowSpool();
    return danger || waits ? Math.min(endangeredIntervalMs, this.#intervalMs) : this.#intervalMs;
  }
}

/** While the server was told more than the repository has. */
export function aheadAlarm(slot: string): StreamAlarm {
  return {
    code: 'postgres.slot-ahead',
    level: 'late',
    message: `the slot ${slot} follows the spool, so as not to be lost: the server may remove WAL that only this host has`,
    action: 'the spool goes to the repository as soon as that takes it; keep the disk of this host',
    hint: 'See why WAL does not reach the repository. Without `slotMayRunAhead` the slot would wait, and be lost at its limit.',
  };
}
