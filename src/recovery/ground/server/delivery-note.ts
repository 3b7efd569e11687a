/** What the comment of a database says of a delivery: the last line, behind what people wrote there. */
export interface DeliveryNote {
  readonly token: string;
  readonly phase: 'filled' | 'swapped' | 'settling' | 'settled';
  /** Name of the database that it is to be, or is. */
  readonly database: string;
  /** There was one of that name before. */
  readonly hadFormer: boolean;
  /** Of deliveries that it was put over, where it has let go of the database that had their note: they still keep what they replaced. */
  readonly below?: readonly DeliveryNote[];
}

const prefix = 'lifeboat: ';

/** Anybody who owns a database may write there: what is not whole is no note. */
export function parseNote(comment: string | null): DeliveryNote | undefined {
  const line = comment?.split('\n').at(-1) ?? '';
  if (!line.startsWith(prefix)) return undefined;
  try {
    const note: unknown = JSON.parse(line.slice(prefix.length));
    return isNote(note) && (note.below === undefined || isList(note.below)) ? note : undefined;
  } catch {
    return undefined;
  }
}

function isNote(value: unknown): value is DeliveryNote {
  const { token, phase, database, hadFormer } = (value ?? {}) as Partial<DeliveryNote>;
  return (
    [token, phase, database].every((each) => typeof each === 'string') &&
    typeof hadFormer === 'boolean'
  );
}

function isList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isNote);
}

/** The comment without our line; empty when nobody wrote one. */
export function withoutNote(comment: string | null): string {
  if (comment === null || parseNote(comment) === undefined) return comment ?? '';
  return comment.split('\n').slice(0, -1).join('\n');
}

export function withNote(comment: string, note: DeliveryNote): string {
  const line = `${prefix}${JSON.stringify(note)}`;
  return comment === '' ? line : `${comment}\n${line}`;
}
