import { attachmentOf, LocalAttachments } from './attachments.ts';
import type { Courier } from './courier.ts';
import { type IncidentEntry, nameOfEntry, type SignedEntry } from './entry.ts';
import { inOrder } from './entry-order.ts';
import { type IncidentFinding, judgePlaces, knownWriters, type Place } from './judge-places.ts';
import { KnownEntriesFolder } from './known-entries.ts';
import { LocalTimeline } from './local-timeline.ts';

export interface Verification {
  /** Empty: nothing was changed, removed, reordered or added by a stranger. */
  readonly findings: readonly IncidentFinding[];
  readonly places: readonly { readonly name: string; readonly entries: number }[];
  readonly writers: readonly WriterFacts[];
}

export interface WriterFacts {
  readonly key: string;
  readonly hosts: readonly string[];
  readonly actors: readonly string[];
  readonly entries: number;
  /** It opened the incident, is this host, or was accepted by one of these. */
  readonly isAccepted: boolean;
  readonly isThisHost: boolean;
}

const thisHost = 'this host';

/** Reads an incident anew at every place, and compares. Changes nothing. */
export async function verifyIncident(options: {
  readonly id: string;
  readonly folder: string;
  readonly couriers: readonly Courier[];
  readonly own: string;
  readonly withinMs: number;
}): Promise<Verification> {
  const { id, folder, couriers, own, withinMs } = options;
  const notes = new KnownEntriesFolder(folder);
  const { entries, bad } = await new LocalTimeline(folder, id).read();
  const known = [...(await notes.everywhere())];
  const places: Place[] = [{ name: thisHost, entries, bad, known }];
  const attached = await attachmentFindings(folder, entries);
  const notVerified: IncidentFinding[] = [];
  for (const courier of couriers) {
    const { name } = courier;
    const found = await courier.look(id, withinMs);
    if (found === undefined) {
      const problem = `it could not be read: ${courier.problem}`;
      notVerified.push({ place: name, kind: 'not-verified', subject: name, problem });
      continue;
    }
    const note = await notes.read(name);
    const isSame = note?.repository === found.repository;
    places.push({ name, ...found, ...(isSame ? { known: note.entries } : {}) });
  }
  return {
    findings: [...judgePlaces(places, own), ...attached, ...notVerified],
    places: places.map((place) => ({ name: place.name, entries: place.entries.length })),
    writers: writersIn(places, own),
  };
}

/** The hash of an attachment is signed with its entry. */
async function attachmentFindings(
  folder: string,
  entries: readonly SignedEntry[],
): Promise<readonly IncidentFinding[]> {
  const local = new LocalAttachments(folder);
  const findings: IncidentFinding[] = [];
  for (const { entry } of entries) {
    const attachment = attachmentOf(entry);
    if (attachment === undefined) continue;
    if ((await local.read(attachment.sha256)) !== undefined) continue;
    const subject = `attachment ${attachment.name} of ${nameOfEntry(entry)}`;
    const problem = 'it is gone, or not what was attached';
    findings.push({ place: thisHost, kind: 'changed', subject, problem });
  }
  return findings;
}

function writersIn(places: readonly Place[], own: string): readonly WriterFacts[] {
  const all = new Map<string, IncidentEntry>();
  for (const { entries } of places) for (const { entry } of entries) all.set(entry.id, entry);
  const accepted = knownWriters([...all.values()], own);
  const byWriter = Map.groupBy(inOrder([...all.values()]), ({ writer }) => writer);
  return [...byWriter].map(([key, entries]) => ({
    key,
    hosts: [...new Set(entries.map(({ host }) => host))].sort(),
    actors: [...new Set(entries.map(({ actor }) => actor))].sort(),
    entries: entries.length,
    isAccepted: accepted.has(key),
    isThisHost: key === own,
  }));
}
