/**
 * What a long piece of work tells whoever watches it. Engines emit; renderers (terminal, JSON lines)
 * sample and draw. Totals may grow; every `begin` is followed by exactly one `end`.
 */
export type ProgressEvent =
  | {
      readonly type: 'begin';
      readonly task: string;
      readonly title: string;
      /** One of many that a report tells of anyway: seen while it runs, and leaves no line. */
      readonly isPassing?: true;
    }
  | {
      readonly type: 'progress';
      readonly task: string;
      /** In `unit`. */
      readonly done: number;
      /** Absent while unknown. */
      readonly total?: number;
      readonly unit: 'bytes' | 'rows' | 'files' | 'segments' | 'records' | 'snapshots';
      /** What is being worked on now, in a few words. */
      readonly detail?: string;
    }
  | { readonly type: 'end'; readonly task: string; readonly summary?: string }
  | { readonly type: 'note'; readonly message: string }
  | { readonly type: 'warning'; readonly message: string; readonly hint?: string };

/** Must not throw and must return at once. Called at most some tens of times a second per task. */
export type Progress = (event: ProgressEvent) => void;

export const silentProgress: Progress = () => {};
