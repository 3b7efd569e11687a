/** Where a file of the data directory belongs in its relation. Oids as WAL names them. */
export interface RelationFile {
  /** 1663 for the default tablespace, 1664 for shared relations. */
  readonly tablespace: number;
  /** 0 for shared relations. */
  readonly database: number;
  readonly filenode: number;
  /** 0 main, 1 free space map, 2 visibility map, 3 init. */
  readonly fork: number;
  /** The file's place in a relation that is cut into segments (segment_size). */
  readonly segment: number;
}

const forks = ['main', 'fsm', 'vm', 'init'];
const pattern =
  /^(?:(global)|base\/(\d{1,10})|pg_tblspc\/(\d{1,10})\/PG_[^/]+\/(\d{1,10}))\/(\d{1,10})(?:_(fsm|vm|init))?(?:\.(\d{1,6}))?$/;

/**
 * What `path` (relative to the data directory, tablespaces below `pg_tblspc/<oid>`) holds; undefined when it is no file
 * of pages: pg_control, maps, versions, files others put there.
 */
export function parseRelationFile(path: string): RelationFile | undefined {
  const match = pattern.exec(path);
  if (!match) return undefined;
  const [, global, database, tablespace, tablespaceDatabase, filenode, fork, segment] = match;
  return {
    tablespace: global ? 1664 : Number(tablespace ?? 1663),
    database: global ? 0 : Number(database ?? tablespaceDatabase),
    filenode: Number(filenode),
    fork: forks.indexOf(fork ?? 'main'),
    segment: Number(segment ?? 0),
  };
}
