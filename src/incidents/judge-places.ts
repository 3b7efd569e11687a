import { type IncidentEntry, nameOfEntry, type SignedEntry } from './entry.ts';
import { inOrder } from './entry-order.ts';
import type { KnownEntries } from './known-entries.ts';

export type FindingKind =
  /** An entry is not what its writer signed. */
  | 'changed'
  /** An entry that was there is gone. */
  | 'missing'
  /** Entries are not in the order in which they were written. */
  | 'reordered'
  /** One writer gave one number to two entries. */
  | 'number-twice'
  /** Written with a key that nobody who takes part has accepted. */
  | 'unknown-writer'
  /** It could not be looked at; whatever is wrong there is not known. */
  | 'not-verified';

export interface IncidentFinding {
  /** `this host`, or the name of a repository. */
  readonly place: string;
  readonly kind: FindingKind;
  /** What it is about: `entry 7 of web-1`. */
  readonly subject: string;
  readonly problem: string;
}

/** What one place holds of an incident. */
export interface Place {
  readonly name: string;
  readonly entries: readonly SignedEntry[];
  /** What could not be read as an entry there. `number`: whose place in the sequence it takes, if that is known. */
  readonly bad: readonly {
    readonly name: string;
    readonly problem: string;
    readonly isMoved?: boolean;
    readonly writer?: string;
    readonly number?: number;
  }[];
  /** What was in it before, as this host remembers; of this host itself: what any repository had from it. */
  readonly known?: KnownEntries['entries'];
}

/** Whose entries count: this host, whoever opened the incident, and whom one of those has accepted. */
export function knownWriters(entries: readonly IncidentEntry[], own: string): ReadonlySet<string> {
  const ordered = inOrder(entries);
  const opener = ordered.find(({ event }) => event === 'incident.opened')?.writer;
  const known = new Set([own, ...(opener === undefined ? [] : [opener])]);
  for (let size = 0; size !== known.size; ) {
    size = known.size;
    for (const { event, writer, data } of ordered) {
      const isAcceptance = event === 'incident.writer-accepted' && known.has(writer);
      if (isAcceptance && typeof data?.writer === 'string') known.add(data.writer);
    }
  }
  return known;
}

/** All that is wrong with an incident, at every place. Empty: every entry is there, as it was signed, in its order, by who may. */
export function judgePlaces(places: readonly Place[], own: string): readonly IncidentFinding[] {
  const all = new Map(
    places.flatMap(({ entries }) => entries.map(({ entry }) => [entry.id, entry] as const)),
  );
  const known = knownWriters([...all.values()], own);
  return places.flatMap((place) => [
    ...unreadable(place),
    ...withoutRepeats([...sequences(place), ...gone(place, all)]),
    ...strangers(place, known),
  ]);
}

/** An entry that is missing shows in several ways. */
function withoutRepeats(findings: readonly IncidentFinding[]): readonly IncidentFinding[] {
  const bySubject = new Map<string, IncidentFinding>();
  for (const each of findings) {
    const key = `${each.kind} ${each.subject}`;
    if (!bySubject.has(key)) bySubject.set(key, each);
  }
  return [...bySubject.values()];
}

function unreadable({ name: place, bad }: Place): readonly IncidentFinding[] {
  return bad.map(({ name, problem, isMoved }) => {
    return { place, kind: isMoved ? 'reordered' : 'changed', subject: name, problem };
  });
}

/** Of each writer: 1, 2, 3 ... each naming the one before. */
function sequences({ name: place, entries, bad }: Place): readonly IncidentFinding[] {
  const byWriter = Map.groupBy(
    entries.map(({ entry }) => entry),
    ({ writer }) => writer,
  );
  return [...byWriter].flatMap(([writer, own]) => {
    const sorted = own.sort((a, b) => a.sequence - b.sequence);
    const taken = bad.flatMap((each) =>
      each.number !== undefined && each.writer === writer.slice(0, 16) ? [each.number] : [],
    );
    const findings: IncidentFinding[] = [];
    let former: IncidentEntry | undefined;
    for (const entry of sorted) {
      const subject = nameOfEntry(entry);
      const expected = (former?.sequence ?? 0) + 1;
      if (entry.sequence === former?.sequence) {
        const problem = `the number was given twice: ${former.id.slice(0, 8)} and ${entry.id.slice(0, 8)}`;
        findings.push({ place, kind: 'number-twice', subject, problem });
        continue;
      }
      for (let lost = expected; lost < entry.sequence; lost++) {
        if (taken.includes(lost)) continue;
        const problem = `${subject} is there, this one is not`;
        const missing = nameOfEntry({ ...entry, sequence: lost });
        findings.push({ place, kind: 'missing', subject: missing, problem });
      }
      if (entry.sequence === expected && entry.previous !== (former?.id ?? '')) {
        const before = former ? nameOfEntry(former) : 'nothing';
        const problem = `it does not follow ${before}, as its number says`;
        findings.push({ place, kind: 'reordered', subject, problem });
      }
      former = entry;
    }
    return findings;
  });
}

/** What this host remembers of a place, and what entries there have seen, has to be there. */
function gone(
  { name: place, entries, bad, known = [] }: Place,
  all: ReadonlyMap<string, IncidentEntry>,
): readonly IncidentFinding[] {
  const there = new Set(entries.map(({ entry }) => entry.id));
  const remembered = known.filter((id) => !there.has(id) && !isAmong(bad, all.get(id)));
  const numberOf = (id: string) => all.get(id)?.sequence ?? 0;
  remembered.sort((a, b) => numberOf(a) - numberOf(b));
  const findings = remembered.map((id): IncidentFinding => {
    const entry = all.get(id);
    const subject = entry ? nameOfEntry(entry) : `entry ${id.slice(0, 8)}`;
    return { place, kind: 'missing', subject, problem: 'it was there, and is gone' };
  });
  // What was changed is named already; it may well be what others have seen.
  if (bad.length > 0) return findings;
  for (const { entry } of entries) {
    for (const head of entry.heads) {
      // What another place has may not have come here yet.
      if (all.has(head) || known.includes(head)) continue;
      const problem = `${nameOfEntry(entry)} has seen it`;
      findings.push({ place, kind: 'missing', subject: `entry ${head.slice(0, 8)}`, problem });
    }
  }
  return findings;
}

function isAmong(bad: Place['bad'], entry: IncidentEntry | undefined): boolean {
  return bad.some(
    ({ writer, number }) =>
      number === entry?.sequence && writer !== undefined && entry?.writer.startsWith(writer),
  );
}

function strangers(
  { name: place, entries }: Place,
  known: ReadonlySet<string>,
): readonly IncidentFinding[] {
  const unknown = Map.groupBy(
    entries.map(({ entry }) => entry).filter(({ writer }) => !known.has(writer)),
    ({ writer }) => writer,
  );
  return [...unknown].map(([writer, own]) => {
    const hosts = [...new Set(own.map(({ host }) => host))].join(', ');
    return {
      place,
      kind: 'unknown-writer',
      subject: `key ${writer.slice(0, 16)}`,
      problem: `it wrote ${own.length} of the entries, as ${hosts}, and nobody has accepted it`,
    };
  });
}
