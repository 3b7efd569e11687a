import type { RecordStore } from '../repository/index.ts';
import { attachmentOf, hashOfText, type LocalAttachments } from './attachments.ts';
import type { SignedEntry } from './entry.ts';

const recordKind = 'incident-attachment';

/**
 * Brings what entries have attached to where it is missing: to the repository what only this host has, to this host what only the repository has.
 * The repository is read only when something is missing here, or is not known to be there. Resolves with the hashes that the repository has.
 */
export async function exchangeAttachments(options: {
  readonly records: RecordStore;
  readonly incident: string;
  readonly local: LocalAttachments;
  readonly entries: readonly SignedEntry[];
  /** Hashes that the repository is known to have. */
  readonly there: ReadonlySet<string>;
}): Promise<ReadonlySet<string>> {
  const { records, incident, local, entries } = options;
  const there = new Set(options.there);
  const named = new Set(entries.flatMap(({ entry }) => attachmentOf(entry)?.sha256 ?? []));
  const here = new Map<string, string>();
  for (const sha256 of named) {
    const text = await local.read(sha256);
    if (text !== undefined) here.set(sha256, text);
  }
  if ([...named].every((sha256) => here.has(sha256) && there.has(sha256))) return there;
  for (const [sha256, text] of await storedAttachments(records, incident)) {
    there.add(sha256);
    // What no entry names was attached by nobody.
    if (named.has(sha256) && !here.has(sha256)) await local.write(text);
  }
  for (const [sha256, text] of here) {
    if (there.has(sha256)) continue;
    await records.append({ kind: recordKind, source: incident, body: { text } });
    there.add(sha256);
  }
  return there;
}

async function storedAttachments(
  records: RecordStore,
  incident: string,
): Promise<ReadonlyMap<string, string>> {
  const found = await records.list({ kind: recordKind, source: incident });
  return new Map(
    found.flatMap(({ body }) => {
      const text = (body as { readonly text?: unknown } | null)?.text;
      return typeof text === 'string' ? [[hashOfText(text), text] as const] : [];
    }),
  );
}
