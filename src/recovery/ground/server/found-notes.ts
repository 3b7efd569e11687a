import { type DeliveryNote, parseNote } from './delivery-note.ts';

/** A database, and what people and deliveries wrote to it. */
export interface Commented {
  readonly name: string;
  readonly comment: string | null;
}

/** What a database says of one delivery. */
export interface FoundNote {
  readonly name: string;
  readonly note: DeliveryNote;
  /** Whose databases are in place over those of this one, which is in place no more. */
  readonly over?: string;
}

export function notesOf(token: string, databases: readonly Commented[]): readonly FoundNote[] {
  const own = new Map(databases.map(({ name, comment }) => [name, parseNote(comment)]));
  return [...own].flatMap(([name, first]) =>
    [...(first === undefined ? [] : [first, ...(first.below ?? [])])]
      .filter((note) => note.token === token)
      .map((note) => {
        const inPlace = own.get(note.database)?.token;
        const isOver = note.phase !== 'filled' && inPlace !== token;
        return { name, note, ...(isOver ? { over: inPlace ?? 'somebody else' } : {}) };
      }),
  );
}

/** Notes that would go with the database that has them, of deliveries that still keep what they replaced. */
export function keptWith(comment: string | null): readonly DeliveryNote[] {
  const note = parseNote(comment);
  if (note === undefined) return [];
  const { below = [], ...own } = note;
  return [own, ...below].filter(({ phase }) => phase === 'swapped' || phase === 'settling');
}

/** The note of a database where one delivery, its own or one below it, has come to `phase`, and takes over the notes of others. */
export function withPhase(
  own: DeliveryNote,
  token: string,
  phase: DeliveryNote['phase'],
  taken: readonly DeliveryNote[],
): DeliveryNote {
  const { below = [], ...first } = own;
  const advance = (note: DeliveryNote) => (note.token === token ? { ...note, phase } : note);
  const known = below.filter((each) => !taken.some((other) => other.token === each.token));
  const all = [...known.map(advance), ...taken];
  return { ...advance(first), ...(all.length === 0 ? {} : { below: all }) };
}
