import type { RelationFile } from './relation-file.ts';

export interface DamagedPage {
  readonly path: string;
  /** Within the relation, not within the file. */
  readonly block: number;
  readonly relation: RelationFile;
}

/** How many are named in the snapshot and kept in memory. A cluster with more of them is beyond lists. */
export const mostDamageNamed = 10_000;

/**
 * Pages that failed their checksum while they streamed past. Most are none of our business: a page that the server
 * was writing while we read it is torn, and the WAL that comes with the backup replaces it. What WAL does not
 * replace was damaged before.
 */
export class DamagedPages {
  readonly #suspected = new Map<string, DamagedPage>();
  /** Beyond `mostDamageNamed`. */
  #unnamed = 0;

  get anySuspected(): boolean {
    return this.#suspected.size > 0;
  }

  /** Pages that failed and were too many to keep. */
  get unnamed(): number {
    return this.#unnamed;
  }

  suspect(path: string, relation: RelationFile, block: number): void {
    if (this.#suspected.size >= mostDamageNamed) this.#unnamed += 1;
    else this.#suspected.set(key({ ...relation, block }), { path, block, relation });
  }

  suspectAll(path: string, relation: RelationFile, blocks: readonly number[]): void {
    for (const block of blocks) this.suspect(path, relation, block);
  }

  /** WAL of this backup writes the whole block anew, so whatever was read of it does not matter. */
  replaced(block: {
    tablespace: number;
    database: number;
    filenode: number;
    fork: number;
    block: number;
  }): void {
    this.#suspected.delete(key(block));
  }

  /** WAL of this backup makes the whole database anew by copying files (CREATE DATABASE). */
  replacedDatabase(tablespace: number, database: number): void {
    for (const [name, page] of this.#suspected) {
      const { relation } = page;
      if (relation.tablespace === tablespace && relation.database === database) {
        this.#suspected.delete(name);
      }
    }
  }

  /** What remains: damage. In order of path and block. */
  remaining(): DamagedPage[] {
    return [...this.#suspected.values()].sort((a, b) =>
      a.path === b.path ? a.block - b.block : a.path < b.path ? -1 : 1,
    );
  }
}

function key(block: {
  tablespace: number;
  database: number;
  filenode?: number;
  fork: number;
  block: number;
}): string {
  return `${block.tablespace}/${block.database}/${block.filenode}/${block.fork}/${block.block}`;
}
