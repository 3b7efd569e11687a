import type {
  GroundContents,
  GroundIdentity,
  GroundKind,
  GroundRequest,
  TreeDelivery,
} from './ground.ts';

/**
 * How far a delivery is. Written durably before what it names is begun, so that a crash anywhere leaves a state that can be gone on from
 * in either direction. `out`: the former data leaves; `in`: the new data comes in; `back-out` and `back-in`: the same backwards.
 */
export const phases = [
  'begun',
  'moving',
  'filled',
  'out',
  'in',
  'swapped',
  'back-out',
  'back-in',
  'settling',
  'settled',
] as const;
export type Phase = (typeof phases)[number];

/** `target`: what services use. `new` and `former` lie beside it, in a folder of the token. */
export type Spot = 'target' | 'new' | 'former';

export interface PlaceFacts {
  /** Undefined: nothing of this token is there. */
  readonly phase: Phase | undefined;
  readonly hasNew: boolean;
  /** Where the former data lies, for people; undefined: there is none. */
  readonly former: string | undefined;
  /** The newest swap that is neither settled nor taken back: what it brought is in place, over what older ones brought. */
  readonly open: { readonly token: string; readonly phase: Phase | undefined } | undefined;
}

/** All that was delivered is in place: another delivery may be put over it, and keeps it whole. */
export function isInPlace(phase: Phase | undefined): boolean {
  return phase === 'swapped' || phase === 'settling' || phase === 'settled';
}

export interface Move {
  readonly phase: Phase;
  readonly from: Spot;
  readonly to: Spot;
}

/**
 * What a place for trees can do, each in one call that is durable when it resolves and may be repeated after a crash anywhere in it.
 * What comes after what is decided by `TreeGround`, the same for every place.
 */
export interface TreePlace {
  readonly kind: GroundKind;
  describe(): string;
  identify(request: GroundRequest): Promise<GroundIdentity>;
  freeBytes(request: GroundRequest): Promise<number | undefined>;
  /** Changes nothing. */
  contents(request: GroundRequest): Promise<GroundContents>;
  /** Changes nothing. */
  look(token: string, request: GroundRequest): Promise<PlaceFacts>;
  /** Notes that the delivery is begun, and removes what a former attempt brought. */
  begin(token: string, delivery: TreeDelivery, request: GroundRequest): Promise<void>;
  /** Brings the tree to `new`; there it is complete and durable, and compared with what was sent where it was not moved. */
  receive(token: string, delivery: TreeDelivery, request: GroundRequest): Promise<void>;
  mark(token: string, phase: Phase, request: GroundRequest): Promise<void>;
  /**
   * Makes this token's swap the newest one, notes the phase, and moves all that is at one spot to another, with the attributes of the folder
   * itself. Nothing at the other spot is overwritten. What is not there needs no moving. Errors: `target.in-use`, `ground.failed`: also
   * when a newer swap lies over it, or half of another. Resolves with where the former data lies then: nobody has to ask again, which may take
   * a container or a pod.
   */
  move(token: string, move: Move, request: GroundRequest): Promise<PlaceFacts['former']>;
  /** Its swap is open no more; those of others stay as they are. */
  release(token: string, request: GroundRequest): Promise<void>;
  /** `everything`: with what tells of the token. */
  remove(token: string, what: 'former' | 'everything', request: GroundRequest): Promise<void>;
}
