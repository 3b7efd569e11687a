import { pickNamed } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import { affectedServices } from './affected-services.ts';
import { beginFreeze } from './begin-freeze.ts';
import { FreezeDraft } from './freeze-draft.ts';
import type { FreezeGap, FreezeRecord, FrozenPlace } from './freeze-record.ts';
import type { FreezeRequest } from './freeze-request.ts';
import { lookAtDatabases } from './look-at-databases.ts';
import { lookAtServices } from './look-at-services.ts';
import { lookAtMaintenance } from './maintenance.ts';
import { ServerDesks } from './postgres/server-desks.ts';
import { keyOf } from './taken-over.ts';

/** What a freeze would do, and where. */
export interface FreezeLook {
  /** Not stored. Items that are `done` already belong to a freeze that this one goes on with. */
  readonly record: FreezeRecord;
  /** False: it goes on with one that was begun, here or by another host. */
  readonly isNew: boolean;
  /** All that it would do is written down on this host already. */
  readonly isUnchanged: boolean;
  /** Every place that commands go to, as it says of itself. */
  readonly places: Readonly<Record<string, FrozenPlace>>;
  readonly notes: readonly string[];
  /** What will not be frozen, as far as that is seen before. */
  readonly gaps: readonly FreezeGap[];
  /** Freezes of this state folder that are a part of this one from then on. */
  readonly spent: readonly string[];
}

/** Looks, and changes nothing. Errors: `usage.invalid`, `postgres.other-cluster`, `platform.other-place`, `file.unreadable`, `cancelled`. */
export async function lookAtFreeze(request: FreezeRequest): Promise<FreezeLook> {
  await using desks = new ServerDesks(request);
  return await lookWith(request, desks);
}

/** The same with sessions that stay open afterwards. */
export async function lookWith(request: FreezeRequest, desks: ServerDesks): Promise<FreezeLook> {
  const { surroundings, sources, maintenance } = request;
  const { configuration } = surroundings;
  for (const name of sources) pickNamed('source', configuration.sources, name);
  const former = await beginFreeze(request, desks);
  const draft = new FreezeDraft(former.record);
  draft.notes.push(...former.notes);
  if (maintenance !== false && sources.length > 0) {
    const what = 'the maintenance page cannot be shown';
    await draft.attempt({ kind: 'page', what }, async () => {
      for (const item of await lookAtMaintenance(request, draft.freeze, sources)) {
        const known = draft.find(item.kind, (each) => keyOf(each) === keyOf(item));
        draft.put(known === undefined ? draft.named(item) : { ...known, sources });
      }
    });
  }
  await lookAtServices(request, draft);
  await lookAtDatabases(request, draft, desks);
  for (const gap of unknownWriters(request)) draft.gaps.push(gap);
  const { isNew, spent } = former;
  const { places, notes, gaps } = draft;
  const { run } = request;
  const record = draft.record(sources, { run, actor: surroundings.actor, now: new Date() });
  const isUnchanged = former.isHere && JSON.stringify(record) === JSON.stringify(former.record);
  return { record, isNew, isUnchanged, places, notes, gaps, spent };
}

/** Files have no server that could refuse writers: only their services can be stopped. */
function unknownWriters({ surroundings, sources, services }: FreezeRequest): readonly FreezeGap[] {
  // Who names them one by one has said of the others that nobody knows them.
  if (services !== undefined) return [];
  const { configuration } = surroundings;
  return sources
    .filter((name) => {
      const kind = configuration.sources[name]?.kind;
      const hasServer = kind === 'postgres' || kind === 'postgres-dump';
      return !hasServer && affectedServices(configuration, [name]).length === 0;
    })
    .map((source) => ({
      kind: 'source',
      source,
      what: `nothing says what writes to ${source}: nothing was stopped for it`,
      remedy: `Name its services under \`services\`, with writes: [${source}].`,
    }));
}

/** Errors: `platform.other-place` when a place that was shown is another one by now. */
export function requireExpectedPlaces(
  look: FreezeLook,
  expected: Readonly<Record<string, FrozenPlace>>,
): void {
  for (const [name, place] of Object.entries(expected)) {
    const found = look.places[name];
    if (found === undefined || found.fingerprint === place.fingerprint) continue;
    throw new LifeboatError(
      'platform.other-place',
      `${name}: ${place.text} was shown, it is ${found.text} now`,
      {
        hint: 'Nothing was changed. Run the command again and look at what it shows.',
      },
    );
  }
}
