import type { Progress } from '../../core/index.ts';
import type { Platforms } from '../../platforms/index.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Tell } from '../timeline.ts';
import type { FrozenPlace } from './freeze-record.ts';
import type { FreezeStore } from './freeze-store.ts';
import type { SessionLooks } from './postgres/other-sessions.ts';

/** What freezing and thawing need of the world. */
export interface FreezeWorld {
  readonly surroundings: Surroundings;
  readonly platforms: Platforms;
  readonly tell: Tell;
  readonly progress?: Progress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Run for which it is done; absent: by hand. */
  readonly run?: string;
  /** Default: the state folder of the configuration. */
  readonly store?: FreezeStore;
  /** How long repositories may take, all together: a freeze does not wait for one that is away. Default 10 s. */
  readonly repositoryPatienceMs?: number;
}

export interface FreezeRequest extends FreezeWorld {
  /** None: only the services that are named are stopped, beside whatever else is frozen; give that a store of its own. */
  readonly sources: readonly string[];
  /** Of which of them databases are closed; default: of all that have some. */
  readonly databases?: readonly string[];
  /** Which services are stopped; default: all that write to the sources, and those that need these. */
  readonly services?: readonly string[];
  /** False: no maintenance page, though there is one. */
  readonly maintenance?: boolean;
  /** Places that were shown, by name: one that is another by now ends it before anything is changed. */
  readonly expected?: Readonly<Record<string, FrozenPlace>>;
  readonly looks?: SessionLooks;
}
