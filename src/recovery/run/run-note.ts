/** What somebody says to a run that another process drives, from any login or host. */
export type NoteBody =
  | { readonly type: 'approve'; readonly step: string; readonly typed?: string }
  | { readonly type: 'decline'; readonly step: string; readonly comment: string }
  | { readonly type: 'skip'; readonly step: string; readonly reason: string }
  | { readonly type: 'pause'; readonly reason: string }
  | { readonly type: 'abort'; readonly reason: string };

/** Signed by its writer where it lies in a repository. */
export interface RunNote {
  readonly format: 1;
  readonly run: string;
  /** Random. */
  readonly id: string;
  readonly time: string;
  readonly actor: string;
  readonly host: string;
  readonly body: NoteBody;
}

export function parseNote(value: unknown): RunNote | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const note = value as RunNote;
  const isNote =
    note.format === 1 &&
    [note.run, note.id, note.time, note.actor, note.host, note.body?.type].every(
      (each) => typeof each === 'string',
    );
  return isNote ? note : undefined;
}
