import type { ConnectionSettings } from '../../sources/index.ts';

/** A private server that holds the cluster as it was just before the accident: a physical copy, so
 * every row still stands at its own tuple id. Nothing may have vacuumed it. */
export interface PastServer {
  /** Settings of a role that may read every table of `database`. */
  connection(database: string): ConnectionSettings;
}
