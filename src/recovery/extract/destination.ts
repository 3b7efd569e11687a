import type { ConnectionSettings } from '../../sources/index.ts';

export const dumpFormats = ['custom', 'plain', 'directory'] as const;
export type DumpFormat = (typeof dumpFormats)[number];

/** Where parts of the past are put. */
export type Destination =
  | { readonly kind: 'file'; readonly path: string; readonly format: DumpFormat }
  /** The database it names; what is there already is never replaced. */
  | { readonly kind: 'server'; readonly connection: ConnectionSettings }
  /** A new schema of the live database. */
  | { readonly kind: 'side'; readonly connection: ConnectionSettings; readonly schema: string };
