import type { Repository } from '../repository/index.ts';
import { exchangeAttachments } from './attachment-record.ts';
import { LocalAttachments } from './attachments.ts';
import type { SignedEntry } from './entry.ts';
import { sendEntries } from './incident-record.ts';
import { KnownEntriesFolder } from './known-entries.ts';
import type { LocalTimeline } from './local-timeline.ts';

/** What this process knows that a repository has of one incident. */
export interface RepositoryView {
  entries: Set<string>;
  attachments: ReadonlySet<string>;
  /** When the repository was asked last, by `performance.now()`. */
  askedAtMs: number;
}

/** Entries that a place had, and has no more. */
export interface GoneEntries {
  readonly place: 'this-host' | 'repository';
  readonly entries: number;
}

/**
 * One incident, this host and one repository: afterwards each has what the other had. `stored`: what the repository was just found to hold;
 * undefined: `view` is fresh enough. Trouble of this host's disk does not keep what is there from being sent; it is thrown at the end.
 */
export async function exchangeEntries(options: {
  readonly repository: Pick<Repository, 'id' | 'records'>;
  readonly name: string;
  readonly timeline: LocalTimeline;
  readonly folder: string;
  readonly view: RepositoryView;
  readonly stored: readonly SignedEntry[] | undefined;
  /** Public key of this host. */
  readonly own: string;
  /** Told before it is put right: removal is no secret. */
  readonly onGone: (gone: GoneEntries) => Promise<void>;
}): Promise<void> {
  const { repository, name, timeline, folder, view, stored, own, onGone } = options;
  const { id, records } = repository;
  const notes = new KnownEntriesFolder(folder);
  const trouble: unknown[] = [];
  const here = (work: () => Promise<void>) => work().catch((error) => void trouble.push(error));
  const former = await notes.read(name);
  if (stored !== undefined) {
    view.entries = new Set(stored.map(({ entry }) => entry.id));
    const present = await idsIn(timeline);
    const before = former?.repository === id ? former.entries : [];
    const lostHere = before.filter((each) => view.entries.has(each) && !present.has(each));
    const lostThere = before.filter((each) => !view.entries.has(each));
    for (const each of stored) await here(() => timeline.add(each));
    const told = { 'this-host': lostHere.length, repository: lostThere.length };
    for (const [place, entries] of Object.entries(told)) {
      if (entries > 0) await here(() => onGone({ place: place as GoneEntries['place'], entries }));
    }
  }
  const { entries } = await timeline.read();
  // Our own, and those of others that some repository has: what lies in the folder without either was not written by anybody who may.
  const vouched = await notes.everywhere();
  const missing = entries.filter(
    ({ entry }) => !view.entries.has(entry.id) && (entry.writer === own || vouched.has(entry.id)),
  );
  await sendEntries(records, timeline.incident, missing, (sent) => {
    for (const { entry } of sent) view.entries.add(entry.id);
  });
  await here(async () => {
    const local = new LocalAttachments(folder);
    const { incident } = timeline;
    const { attachments: there } = view;
    view.attachments = await exchangeAttachments({ records, incident, local, entries, there });
  });
  // What could not be kept here is not remembered either: it would be missed later.
  const both = entries.map(({ entry }) => entry.id).filter((each) => view.entries.has(each));
  const known = { repository: id, entries: both.sort() };
  const isNew = JSON.stringify(known) !== JSON.stringify(former);
  if (isNew) await here(() => notes.write(name, known));
  if (trouble.length > 0) throw trouble[0];
}

async function idsIn(timeline: LocalTimeline): Promise<ReadonlySet<string>> {
  const { entries } = await timeline.read();
  return new Set(entries.map(({ entry }) => entry.id));
}
