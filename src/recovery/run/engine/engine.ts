import type { Holder } from '../holder.ts';
import type { RunEntry } from '../run-entry.ts';
import type { RunNote } from '../run-note.ts';

/** What a process asks for that wants to drive a run. */
export interface Claim {
  readonly run: string;
  readonly holder: Holder;
  /** Higher than any that is known of the run. */
  readonly epoch: number;
  /** What the run changes: no other run may change it meanwhile. */
  readonly targets: readonly string[];
  /** A person has said that the holder of then is gone. One that is seen to live stays. */
  readonly isForced: boolean;
  /** Signs of life that stayed the newest for a whole lease while this process watched: who gave them counts as gone. */
  readonly silent?: readonly string[];
  /**
   * It is only to be given up: a run on the same target that nobody drives may stand beside it, and keeps what it has. Two that began while no
   * repository told them of each other could not come apart otherwise.
   */
  readonly givesUp?: boolean;
  /**
   * Runs that have recovered, and do nothing but keep what they replaced until its time: while nobody drives them, this one may have their
   * targets. To do the rest they ask again.
   */
  readonly over?: readonly string[];
}

/** Who stands in the way. */
export interface Occupant {
  readonly run: string;
  readonly epoch: number;
  readonly target: string;
  /** Absent: nobody drives it; the run is paused. */
  readonly holder?: Holder;
  /** The newest sign of life of its process; only where nothing but its silence can tell whether that is gone. */
  readonly sign?: string;
}

export type Taken = { readonly taken: true } | { readonly taken: false; readonly by: Occupant };

/**
 * Where runs are kept on this host, or for several hosts: one process drives a run at a time, and what it writes is accepted only
 * while that is so. Everything is durable when it resolves. Errors: `disk.full`, `file.unreadable`, `postgres.*`.
 */
export interface Engine extends AsyncDisposable {
  readonly kind: 'sqlite' | 'postgres';
  /** For people. */
  readonly place: string;
  /** One of several that ask at the same time gets it. What it held under a lower epoch passes to this one. */
  take(claim: Claim): Promise<Taken>;
  /** Whether that is still so. */
  holds(run: string, epoch: number): Promise<boolean>;
  /** A sign of life; false when another process has taken over. */
  renew(run: string, epoch: number): Promise<boolean>;
  /** Any process may take the run then; its targets stay closed to other runs. */
  release(run: string, epoch: number): Promise<void>;
  /**
   * False, and nothing is written, when another process has taken over. With the entry that ends the run its targets are free, at once.
   */
  append(entry: RunEntry): Promise<boolean>;
  /** Entries that another copy of the journal had. Those it has are left as they are. */
  adopt(entries: readonly RunEntry[]): Promise<void>;
  /**
   * Whether what was written in this epoch was written here, not adopted: then the engine has all of it, and knows whether its process
   * lives. What was adopted may lack the end.
   */
  wrote(run: string, epoch: number): Promise<boolean>;
  entries(run: string): Promise<readonly RunEntry[]>;
  runs(): Promise<readonly string[]>;
  addNote(note: RunNote): Promise<void>;
  notes(run: string): Promise<readonly RunNote[]>;
}

/** With it the run is over, and what it had to itself is free. */
export function endsRun({ body }: RunEntry): boolean {
  return body.type === 'done' || body.type === 'aborted';
}

/**
 * How long a process may be silent that cannot be asked whether it lives. Whoever wants to take over watches for as long, by a clock of
 * its own that nobody sets, that no sign of life comes: what other clocks say of the last one, of then or of elsewhere, counts for nothing.
 */
export const leaseMs = 30_000;
