import { Turn } from '../../core/index.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { Location } from '../location/location.ts';
import { NestedArea } from '../log/nested-area.ts';
import { noPrevious } from '../log/nested-header.ts';
import type { LifeboatRecord, RecordStore } from './record.ts';
import { type RecordFacts, RecordFiles } from './record-files.ts';
import { encodeRecord } from './record-payload.ts';
import { ephemeralWriter, type WriterIdentity, writerIn } from './writer-identity.ts';

export interface RecordStoreOptions {
  /** The repository's own location. */
  readonly location: Location;
  /** The repository's master key. */
  readonly key: EnvelopeKey;
  /** Where the writer's signing key lives, made there on first use. Without it the writer is a new one
   * each time the store is opened. */
  readonly stateFolder?: string | undefined;
}

/** Does no work until it is used. */
export function openRecordStore(options: RecordStoreOptions): RecordStore {
  const files = new RecordFiles(new NestedArea(options.location, options.key));
  const turn = new Turn();
  let writer: WriterIdentity | undefined;
  return {
    append: (record) =>
      turn.take(async () => {
        writer ??= options.stateFolder ? await writerIn(options.stateFolder) : ephemeralWriter();
        await files.refresh();
        return await appendRecord(files, writer, record);
      }),
    list: (filter = {}) =>
      turn.take(async () => {
        await files.refresh();
        for (const [name, problem] of files.damaged) filter.onDamaged?.(name, problem);
        const wanted = [...files.facts.values()].filter(
          (each) =>
            (filter.kind ?? each.kind) === each.kind &&
            (filter.source ?? each.source) === each.source,
        );
        const records: LifeboatRecord[] = [];
        for (const each of sinceThen(wanted.sort(oldestFirst), filter.since))
          records.push(await files.record(each.id));
        return records;
      }),
  };
}

async function appendRecord(
  files: RecordFiles,
  writer: WriterIdentity,
  record: { readonly kind: string; readonly source: string; readonly body: unknown },
): Promise<LifeboatRecord> {
  const known = [...files.facts.values()];
  const own = known.filter((each) => each.writer === writer.publicKey);
  const last = own.reduce<RecordFacts | undefined>(
    (latest, each) => (latest && latest.sequence > each.sequence ? latest : each),
    undefined,
  );
  const content = {
    kind: record.kind,
    source: record.source,
    time: new Date(),
    writer: writer.publicKey,
    sequence: (last?.sequence ?? 0) + 1,
    heads: headsOf(known),
    body: record.body,
  };
  const payload = encodeRecord(content, writer);
  const id = await files.add({ payload, content, previous: last?.id ?? noPrevious });
  // As everybody else reads it: the body went through JSON.
  return await files.record(id);
}

/** The records that no other one has seen. */
function headsOf(known: readonly RecordFacts[]): string[] {
  const seen = new Set(known.flatMap((each) => each.heads));
  return known
    .map((each) => each.id)
    .filter((id) => !seen.has(id))
    .sort();
}

function sinceThen(sorted: readonly RecordFacts[], since: Date | undefined) {
  if (since === undefined) return sorted;
  const first = sorted.findIndex(({ time }) => time >= since);
  return sorted.slice(first < 0 ? -1 : Math.max(0, first - 1));
}

function oldestFirst(a: RecordFacts, b: RecordFacts): number {
  return a.time.getTime() - b.time.getTime() || a.sequence - b.sequence || (a.id < b.id ? -1 : 1);
}
