import { type WatchedCatalog, watchedCatalogs } from './catalog-rows.ts';
import { MainData } from './main-data.ts';
import { firstUserOid } from './relation-id.ts';
import type { WalBlock } from './wal-block.ts';
import type { WalRecord } from './wal-record.ts';

/** Where a catalog lies that was rewritten by VACUUM FULL. */
export interface CatalogFile {
  readonly database: number;
  readonly oid: number;
  readonly filenode: number;
}

/** Knows the files of catalogs: their OIDs at first, and what the log says of mapped ones that move. */
export class CatalogFiles {
  readonly #moved = new Map<number, CatalogFile[]>();

  constructor(files: readonly CatalogFile[]) {
    for (const file of files) this.#add(file);
  }

  has(block: WalBlock): boolean {
    return block.relation < firstUserOid || this.#moved.has(block.relation);
  }

  /** Which of the catalogs that matter the block belongs to. */
  watched(block: WalBlock): WatchedCatalog | undefined {
    const files = this.#moved.get(block.relation);
    const moved = files?.find((each) => each.database === block.database);
    const oid = moved?.oid ?? block.relation;
    return isWatched(oid) ? watchedCatalogs[oid] : undefined;
  }

  /** A mapped catalog was rewritten: pg_class and pg_type lie in other files from now on. */
  addRelationMap(record: WalRecord): void {
    const data = new MainData(record);
    const database = data.u32();
    // Tablespace, size and magic number of the map.
    data.skip(12);
    for (let left = data.u32(); left > 0 && data.left >= 8; left--) {
      const [oid, filenode] = [data.u32(), data.u32()];
      if (isWatched(oid)) this.#add({ database, oid, filenode });
    }
  }

  #add(file: CatalogFile): void {
    if (file.filenode === file.oid) return;
    const files = this.#moved.get(file.filenode) ?? [];
    if (!files.some(({ database }) => database === file.database)) files.push(file);
    this.#moved.set(file.filenode, files);
  }
}

function isWatched(oid: number): oid is keyof typeof watchedCatalogs {
  return oid in watchedCatalogs;
}
