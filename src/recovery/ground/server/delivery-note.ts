/** What the comment of a database says of a delivery: the last line, behind what people wrote there. */
export interface DeliveryNote {
  readonly token: string;
  readonly phase: 'filled' | 'swapped' | 'settling' | 'settled';
  /** Name of the database that it is to be, or is. */
  readonly database: string;
  /** There was one of that name before. */
  readonly hadFormer: boolean;
}

const prefix = 'lifeboat: ';

export function parseNote(comment: string | null): DeliveryNote | undefined {
  const line = comment?.split('\n').at(-1) ?? '';
  if (!line.startsWith(prefix)) return undefined;
  try {
    return JSON.parse(line.slice(prefix.length)) as DeliveryNote;
  } catch {
    return undefined;
  }
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
