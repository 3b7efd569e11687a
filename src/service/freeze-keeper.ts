import { type Configuration, parseTimeSpan } from '../config/index.ts';
import { formatDuration, isLifeboatError, LifeboatError, sleep } from '../core/index.ts';
import { type FrozenSource, sendUnsent, watchFreezes } from '../recovery/index.ts';
import type { Repository } from '../repository/index.ts';
import { alarmOf } from './alarm.ts';
import type { ServiceEvent } from './service-event.ts';
import { untilAborted } from './until-aborted.ts';

const lookEveryMs = 60_000;
const sendWithinMs = 30_000;
/** Told again and again: nobody may have been there the first time. */
const tellEveryMs = 15 * 60_000;

interface Options {
  readonly configuration: Pick<Configuration, 'recovery' | 'sources' | 'stateFolder'>;
  /** Those that missed something of a freeze or a thaw get it when they answer. */
  readonly repositories: readonly {
    readonly name: string;
    open(): Promise<Pick<Repository, 'records'>>;
  }[];
  readonly signal: AbortSignal;
  readonly onEvent: (event: ServiceEvent) => void;
  /** Default: every minute. */
  readonly lookEveryMs?: number;
}

/** How long something may be frozen until that is an alarm. */
export function frozenTooLongMs({ recovery }: Pick<Configuration, 'recovery'>): number {
  return parseTimeSpan(recovery.frozenTooLong ?? '1h') as number;
}

/** Tells of sources that have been frozen for too long: writers that somebody forgot to let write again. */
export class FreezeKeeper {
  readonly #options: Options;
  /** When each was told of last. */
  readonly #told = new Map<string, number>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Resolves after the signal aborted. */
  async run(): Promise<void> {
    const { signal, lookEveryMs: everyMs = lookEveryMs } = this.#options;
    const ended = untilAborted(signal);
    while (!signal.aborted) {
      await this.#look();
      await this.#send(ended);
      await sleep(everyMs, signal).catch(() => {});
    }
  }

  async #look(): Promise<void> {
    const { configuration, onEvent } = this.#options;
    const { stateFolder } = configuration;
    const tooLongMs = frozenTooLongMs(configuration);
    try {
      for (const each of await watchFreezes({ stateFolder, tooLongMs, now: new Date() })) {
        if (!this.#isDue(`${each.freeze} ${each.source}`, tooLongMs)) continue;
        onEvent(alarmOf({ source: each.source }, tooLong(each, tooLongMs), action));
      }
    } catch (error) {
      if (!isLifeboatError(error)) throw error;
      if (!this.#isDue('unreadable', tooLongMs)) return;
      // Of none it is known whether it is frozen.
      for (const source of Object.keys(configuration.sources)) {
        onEvent(alarmOf({ source }, error, 'it is looked at again every minute'));
      }
    }
  }

  async #send(ended: Promise<void>): Promise<void> {
    const { configuration, repositories } = this.#options;
    const sending = sendUnsent({
      stateFolder: configuration.stateFolder,
      repository: (name) => repositories.find((each) => each.name === name)?.open(),
      patienceMs: sendWithinMs,
    });
    await Promise.race([sending, ended]);
  }

  #isDue(what: string, tooLongMs: number): boolean {
    const now = performance.now();
    const last = this.#told.get(what);
    if (last !== undefined && now - last < Math.min(tellEveryMs, tooLongMs)) return false;
    this.#told.set(what, now);
    return true;
  }
}

const action = 'it stays frozen until somebody thaws it';

function tooLong({ source, ageMs, freeze, isHalf }: FrozenSource, tooLongMs: number) {
  const half = isHalf ? ', and not completely' : '';
  return new LifeboatError(
    'freeze.too-long',
    `${source} has been frozen for ${formatDuration(ageMs)}${half}: nobody can write`,
    {
      hint: `When writers may go on: lifeboat thaw --freeze ${freeze}. Told after ${formatDuration(tooLongMs)} (recovery.frozenTooLong).`,
    },
  );
}
