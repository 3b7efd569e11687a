import { isLifeboatError, Turn } from '../../core/index.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { Location } from '../location/location.ts';
import { NestedArea } from '../log/nested-area.ts';
import { noPrevious } from '../log/nested-header.ts';
import type { LifeboatRecord, RecordStore, RecordWriter } from './record.ts';
import { isBadRecord, RecordFiles } from './record-files.ts';
import type { RecordFacts } from './record-index-file.ts';
import { encodeRecord } from './record-payload.ts';
import { ephemeralWriter, type WriterIdentity, writerIn } from './writer-identity.ts';

/** How long an append may go without looking what others have appended: they are other heads of the graph then, and the next one to
 * look joins them. */
const freshForMs = 30_000;

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
        writer ??= await ownWriter(options.stateFolder);
        await files.refreshAfter(freshForMs);
        return await appendRecord(files, writer, record);
      }),
    list: (filter = {}) => turn.take(() => listRecords(files, filter)),
    writers: () =>
      turn.take(async () => {
        await files.refresh();
        return writersOf([...files.graph.facts.values()]);
      }),
  };
}

/** Where the state folder cannot be used (another account, a full disk), what happens is recorded all the same, by a key that nobody knows. */
async function ownWriter(stateFolder: string | undefined): Promise<WriterIdentity> {
  if (stateFolder === undefined) return ephemeralWriter();
  try {
    return await writerIn(stateFolder);
  } catch (error) {
    if (!isLifeboatError(error) || error.cause === undefined) throw error;
    return ephemeralWriter();
  }
}

function writersOf(known: readonly RecordFacts[]): readonly RecordWriter[] {
  return [...Map.groupBy(known, ({ writer }) => writer)].map(([writer, records]) => {
    const kinds = new Map<string, number>();
    for (const { kind } of records) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    const sequences = new Set(records.map(({ sequence }) => sequence));
    const last = records.reduce((most, { sequence }) => Math.max(most, sequence), 0);
    return { writer, kinds, last, missing: last - sequences.size };
  });
}

async function appendRecord(
  files: RecordFiles,
  writer: WriterIdentity,
  record: { readonly kind: string; readonly source: string; readonly body: unknown },
): Promise<LifeboatRecord> {
  const last = files.graph.newestOf(writer.publicKey);
  const content = {
    kind: record.kind,
    source: record.source,
    time: new Date(),
    writer: writer.publicKey,
    sequence: (last?.sequence ?? 0) + 1,
    heads: files.graph.heads,
    body: record.body,
  };
  const payload = encodeRecord(content, writer);
  const id = await files.add({ payload, content, previous: last?.id ?? noPrevious });
  // As everybody else reads it: the body went through JSON.
  return await files.record(id);
}

type Filter = NonNullable<Parameters<RecordStore['list']>[0]>;

async function listRecords(files: RecordFiles, filter: Filter): Promise<readonly LifeboatRecord[]> {
  for (;;) {
    await files.refresh();
    const { trustsIndex } = files;
    const damaged = new Map(files.damaged);
    const records: LifeboatRecord[] = [];
    for (const { id } of wanted([...files.graph.facts.values()], filter)) {
      try {
        records.push(await files.record(id));
      } catch (error) {
        if (isBadRecord(error)) damaged.set(id, error.message);
        else if (!isLifeboatError(error, 'location.file-missing')) throw error;
      }
    }
    // The index was wrong about what is wanted: now every record has been asked itself.
    if (files.trustsIndex !== trustsIndex) continue;
    for (const [name, problem] of damaged) filter.onDamaged?.(name, problem);
    return records;
  }
}

function wanted(known: readonly RecordFacts[], { kind, source, since }: Filter) {
  const found = known.filter(
    (each) => (kind ?? each.kind) === each.kind && (source ?? each.source) === each.source,
  );
  return sinceThen(found.sort(oldestFirst), since);
}

function sinceThen(sorted: readonly RecordFacts[], since: Date | undefined) {
  if (since === undefined) return sorted;
  const first = sorted.findIndex(({ time }) => time >= since);
  return sorted.slice(first < 0 ? -1 : Math.max(0, first - 1));
}

function oldestFirst(a: RecordFacts, b: RecordFacts): number {
  return a.time.getTime() - b.time.getTime() || a.sequence - b.sequence || (a.id < b.id ? -1 : 1);
}
