import { isLifeboatError, LifeboatError, throwIfAborted } from '../../core/index.ts';
import type {
  DeliveryState,
  Ground,
  GroundContents,
  GroundKind,
  GroundRequest,
  TreeDelivery,
} from './ground.ts';
import { requireToken } from './token.ts';
import { isInPlace, type Phase, type PlaceFacts, type TreePlace } from './tree-place.ts';

const states: Readonly<Record<Phase, DeliveryState>> = {
  begun: 'begun',
  // The tree is in one place or the other; filling again finds it.
  moving: 'begun',
  filled: 'filled',
  out: 'half-swapped',
  in: 'half-swapped',
  swapped: 'swapped',
  'back-out': 'half-swapped',
  'back-in': 'half-swapped',
  // Not yet gone; the way back is closed.
  settling: 'swapped',
  settled: 'settled',
};

/** Trees on any place: the order of steps, which is what makes them safe. */
export class TreeGround implements Ground<TreeDelivery> {
  readonly kind: GroundKind;
  readonly #place: TreePlace;

  constructor(place: TreePlace) {
    this.#place = place;
    this.kind = place.kind;
  }

  describe(): string {
    return this.#place.describe();
  }

  async identify(request: GroundRequest = {}) {
    throwIfAborted(request.signal);
    return await this.#place.identify(request);
  }

  async freeBytes(request: GroundRequest = {}): Promise<number | undefined> {
    throwIfAborted(request.signal);
    return await this.#place.freeBytes(request);
  }

  async contents(request: GroundRequest = {}): Promise<GroundContents> {
    throwIfAborted(request.signal);
    return await this.#place.contents(request);
  }

  async state(token: string, request: GroundRequest = {}): Promise<DeliveryState> {
    const { phase } = await this.#look(token, request);
    return phase === undefined ? 'nothing' : states[phase];
  }

  async fill(token: string, delivery: TreeDelivery, request: GroundRequest = {}): Promise<void> {
    const { phase, hasNew } = await this.#look(token, request);
    const state = phase === undefined ? 'nothing' : states[phase];
    if (state !== 'nothing' && state !== 'begun') return;
    // A tree that was moved here before a crash is the only one there is.
    const isMoved = phase === 'moving' && hasNew;
    if (!isMoved) await this.#place.begin(token, delivery, request);
    try {
      await this.#place.receive(token, delivery, request);
    } catch (error) {
      await this.#giveRoomBack(token, error);
      throw error;
    }
    await this.#place.mark(token, 'filled', request);
  }

  async swap(token: string, request: GroundRequest = {}): Promise<string | undefined> {
    const facts = await this.#look(token, request);
    const { phase, hasNew } = facts;
    if (isInPlace(phase)) return keptAt(facts);
    if (phase === undefined || phase === 'begun' || phase === 'moving') {
      throw this.#refused('nothing complete was delivered there', 'Fill it first.');
    }
    // What somebody removed meanwhile would leave nothing in place.
    if (phase === 'filled' && !hasNew) {
      throw this.#refused('what was delivered there is gone', 'Deliver it again with a new plan.');
    }
    this.#refuseOther(token, facts);
    const move = this.#mover(token, request);
    // First all of the former data leaves: only then does what is found in place belong to the delivery.
    if (phase !== 'in' && phase !== 'back-out') await move('out', 'target', 'former');
    const former = await move('in', 'new', 'target');
    await this.#place.mark(token, 'swapped', request);
    return former;
  }

  async formerAt(token: string, request: GroundRequest = {}): Promise<string | undefined> {
    return keptAt(await this.#look(token, request));
  }

  async swapBack(token: string, request: GroundRequest = {}): Promise<void> {
    const { phase, open } = await this.#look(token, request);
    if (phase === 'settling' || phase === 'settled') {
      throw this.#refused(
        'the former data is given up already',
        'Restore a safety snapshot instead.',
      );
    }
    if (phase === undefined || phase === 'begun' || phase === 'moving') return;
    const move = this.#mover(token, request);
    if (phase !== 'filled') {
      // What is in place is not what it brought.
      if (open !== undefined && open.token !== token) {
        throw this.#refused(`what ${open.token} brought lies over it`, 'Swap that one back first.');
      }
      if (phase !== 'out' && phase !== 'back-in') await move('back-out', 'target', 'new');
      await move('back-in', 'former', 'target');
      await this.#place.mark(token, 'filled', request);
    }
    await this.#place.release(token, request);
  }

  async settle(token: string, request: GroundRequest = {}): Promise<void> {
    const { phase } = await this.#look(token, request);
    if (phase !== 'settled') {
      if (phase !== 'swapped' && phase !== 'settling') {
        throw this.#refused('the delivery is not in place', 'Swap it in first.');
      }
      await this.#place.mark(token, 'settling', request);
      await this.#place.remove(token, 'former', request);
      await this.#place.mark(token, 'settled', request);
    }
    await this.#place.release(token, request);
  }

  async forget(token: string, request: GroundRequest = {}): Promise<void> {
    const { phase } = await this.#look(token, request);
    if (phase !== 'settled') return;
    await this.#place.release(token, request);
    await this.#place.remove(token, 'everything', request);
  }

  async discard(token: string, request: GroundRequest = {}): Promise<void> {
    const { phase } = await this.#look(token, request);
    if (phase === undefined) return;
    if (!['nothing', 'begun', 'filled'].includes(states[phase])) {
      throw this.#refused('the delivery is in use', 'Swap it back first.');
    }
    // Half removed it must not count as complete. A swap that was taken back may still be held.
    await this.#place.mark(token, 'begun', request);
    await this.#place.release(token, request);
    await this.#place.remove(token, 'everything', request);
  }

  async #look(token: string, request: GroundRequest): Promise<PlaceFacts> {
    requireToken(token);
    throwIfAborted(request.signal);
    return await this.#place.look(token, request);
  }

  #mover(token: string, request: GroundRequest) {
    return async (
      phase: Phase,
      from: 'target' | 'new' | 'former',
      to: 'target' | 'new' | 'former',
    ) => {
      throwIfAborted(request.signal);
      return await this.#place.move(token, { phase, from, to }, request);
    };
  }

  #refuseOther(token: string, { open }: PlaceFacts): void {
    if (open === undefined || open.token === token || isInPlace(open.phase)) return;
    throw this.#refused(
      `the swap of ${open.token} is half done there`,
      'Bring it to its end, or swap it back.',
    );
  }

  /** A full disk harms what runs there. What was brought by moving it is the only one there is, and stays. */
  async #giveRoomBack(token: string, error: unknown): Promise<void> {
    if (!isLifeboatError(error, 'disk.full', 'ground.no-room')) return;
    try {
      if ((await this.#place.look(token, {})).phase !== 'begun') return;
      await this.#place.remove(token, 'everything', {});
    } catch {
      // The next attempt removes it; what matters now is the first error.
    }
  }

  #refused(fact: string, hint: string): LifeboatError {
    return new LifeboatError('ground.failed', `${this.describe()}: ${fact}`, { hint });
  }
}

/** What is being removed is not kept. */
function keptAt({ phase, former }: PlaceFacts): string | undefined {
  return phase === 'settling' || phase === 'settled' ? undefined : former;
}
