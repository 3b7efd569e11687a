import type { Configuration } from '../../config/index.ts';
import { affectedServices } from './affected-services.ts';
import { describeHold, holdsOf } from './freeze-holds.ts';
import { type FreezeItem, type FreezeRecord, isFrozen } from './freeze-record.ts';
import { freezeStore } from './freeze-store.ts';

/** A freeze of this host that still keeps something of the sources from writing. */
export interface StandingFreeze {
  readonly freeze: string;
  /** Who wants it, and since when; in words. */
  readonly by: readonly string[];
  /** Sources that a thaw has to name. */
  readonly sources: readonly string[];
  /** Services that ran, and are stopped. */
  readonly services: readonly string[];
  /** Names of everything that is frozen, services among them. */
  readonly items: readonly string[];
}

type Known = Pick<Configuration, 'services' | 'sources' | 'stateFolder'>;

/** What stands of freezes, whoever made them, in the way of these sources; not what keeps a former place closed. Errors: `file.unreadable`. */
export async function standingFreezes(
  configuration: Known,
  sources: readonly string[],
): Promise<readonly StandingFreeze[]> {
  const writers = affectedServices(configuration, sources).map(({ service }) => service.name);
  const isOurs = (item: FreezeItem) =>
    (item.kind === 'service' && writers.includes(item.service)) ||
    item.sources.some((each) => sources.includes(each));
  const open = await freezeStore(configuration.stateFolder).open();
  return open.flatMap((record) => standing(record, sources, isOurs) ?? []);
}

/** Services that a freeze has stopped and a thaw will start: whoever finds them stopped knows that they run otherwise. */
export async function stoppedByFreezes({
  stateFolder,
}: Pick<Configuration, 'stateFolder'>): Promise<readonly string[]> {
  return (await freezeStore(stateFolder).open()).flatMap(({ items }) => stopped(items));
}

function standing(
  record: FreezeRecord,
  asked: readonly string[],
  isOurs: (item: FreezeItem) => boolean,
): StandingFreeze | undefined {
  const holds = holdsOf(record).filter((each) => !each.isFormer && each.takenBy === undefined);
  const held = new Set(holds.map(({ source }) => source));
  const items = record.items.filter(
    (item) => isFrozen(item) && isOurs(item) && item.sources.some((each) => held.has(each)),
  );
  const sources = [...held].filter(
    (each) => asked.includes(each) || items.some((item) => item.sources.includes(each)),
  );
  if (sources.length === 0) return undefined;
  return {
    freeze: record.id,
    by: holds.filter(({ source }) => sources.includes(source)).map(describeHold),
    sources,
    services: stopped(items),
    items: items.map(({ name }) => name),
  };
}

function stopped(items: readonly FreezeItem[]): readonly string[] {
  return items.flatMap((item) =>
    item.kind === 'service' && isFrozen(item) && item.former.status === 'running'
      ? [item.service]
      : [],
  );
}
