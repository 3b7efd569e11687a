import { isLifeboatError } from '../core/index.ts';
import type { LifeboatRecord, RecordStore } from '../repository/index.ts';
import type { SignedEntry } from './entry.ts';
import { decodeEntry } from './entry-format.ts';

const recordKind = 'incident';
/** Entries in one record: few records, and none of them large. */
const entriesMax = 100;
const bytesMax = 512 * 1024;

export interface BadRecord {
  /** `record 3f2a...`, by its id or the name of its file. */
  readonly name: string;
  readonly problem: string;
}

/** What a repository holds of incidents. */
export interface StoredEntries {
  readonly entries: readonly SignedEntry[];
  readonly bad: readonly BadRecord[];
}

/** Of one incident, or of all. Every signature was verified. Errors: those of the repository. */
export async function readStored(records: RecordStore, incident?: string): Promise<StoredEntries> {
  const bad: BadRecord[] = [];
  const found = await records.list({
    kind: recordKind,
    ...(incident === undefined ? {} : { source: incident }),
    onDamaged: (name, problem) => bad.push({ name: `record ${name}`, problem }),
  });
  const entries = new Map<string, SignedEntry>();
  for (const record of found) {
    const name = `record ${record.id}`;
    for (const text of textsIn(record)) {
      try {
        const signed = decodeEntry(text);
        if (signed.entry.incident === record.source) entries.set(signed.entry.id, signed);
        else bad.push({ name, problem: 'it holds an entry of another incident' });
      } catch (error) {
        if (!isLifeboatError(error, 'record.invalid')) throw error;
        bad.push({ name, problem: `an entry in it is not valid: ${error.message}` });
      }
    }
  }
  return { entries: [...entries.values()], bad };
}

/** Sends entries, as few records. `onSent` is told after each record what is durable there. */
export async function sendEntries(
  records: RecordStore,
  incident: string,
  entries: readonly SignedEntry[],
  onSent: (entries: readonly SignedEntry[]) => void,
): Promise<void> {
  for (let at = 0; at < entries.length; ) {
    const some = firstOf(entries.slice(at, at + entriesMax));
    const body = { entries: some.map(({ text }) => text) };
    await records.append({ kind: recordKind, source: incident, body });
    onSent(some);
    at += some.length;
  }
}

/** As many as fit, at least one. */
function firstOf(entries: readonly SignedEntry[]): readonly SignedEntry[] {
  let bytes = 0;
  const end = entries.findIndex(({ text }, at) => {
    bytes += Buffer.byteLength(text);
    return at > 0 && bytes > bytesMax;
  });
  return end < 0 ? entries : entries.slice(0, end);
}

function textsIn({ body }: LifeboatRecord): readonly string[] {
  const entries = (body as { readonly entries?: unknown } | null)?.entries;
  if (!Array.isArray(entries)) return [];
  return entries.filter((each): each is string => typeof each === 'string');
}
