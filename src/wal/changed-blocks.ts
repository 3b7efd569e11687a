import { type RelationId, relationKey, relationOf } from './relation-id.ts';
import { manager } from './resource-manager.ts';
import { readTransactionEnd } from './transaction-record.ts';
import type { WalRecord } from './wal-record.ts';

const mainFork = 0;
const xlogInfo = {
  shutdownCheckpoint: 0x00,
  parameterChange: 0x60,
  fullPageWritesChange: 0x80,
  endOfRecovery: 0x90,
} as const;
const storageInfo = { create: 0x10, truncate: 0x20 } as const;
/** Records of extensions begin here: what they change is theirs to know. */
const firstCustomManager = 128;

/**
 * Which blocks of main forks a span of WAL may have changed, in groups of so many blocks. It errs to one side alone: what is said to
 * be unchanged is, but for hint bits, which say nothing that is not known elsewhere. Other forks are not followed: the free
 * space map is not in the WAL, and older servers clear bits of the visibility map without naming its block.
 */
export class ChangedBlocks {
  readonly #blocksInGroup: number;
  /** Per relation the numbers of groups; `all`: it was made, cut short or moved. */
  readonly #groups = new Map<string, Set<number> | 'all'>();
  readonly #databases = new Set<number>();
  #doubt: string | undefined;

  constructor(blocksInGroup: number) {
    this.#blocksInGroup = blocksInGroup;
  }

  /** Why nothing can be said; then everything counts as changed. */
  get doubt(): string | undefined {
    return this.#doubt;
  }

  /** Errors: `wal.invalid` for a record that does not parse. */
  add(record: WalRecord): void {
    const { resourceManager } = record;
    for (let index = 0; index < record.blockCount; index++) {
      const block = record.blockAt(index);
      if (block.fork === mainFork) this.#mark(relationOf(block), block.blockNumber);
    }
    if (resourceManager === manager.xlog) this.#addXlog(record);
    else if (resourceManager === manager.storage) this.#addStorage(record);
    else if (resourceManager === manager.transaction) {
      // Their numbers may be used again.
      for (const relation of readTransactionEnd(record)?.removed ?? []) {
        this.#groups.set(relationKey(relation), 'all');
      }
    } else if (resourceManager === manager.database) {
      // Whatever happens to a whole database (copied, moved, dropped): its number comes first in every such record.
      if (record.mainBytes < 4) this.#doubt ??= 'a record of a database does not parse';
      else this.#databases.add(record.view.getUint32(record.mainOffset, true));
    } else if (resourceManager === manager.tablespace) {
      this.#doubt ??= 'a tablespace was made or dropped';
    } else if (resourceManager >= firstCustomManager) {
      this.#doubt ??= `an extension wrote records of its own (${resourceManager})`;
    }
  }

  /** Whether any block of the group may differ from what was there before the span. */
  isChanged(relation: RelationId, group: number): boolean {
    if (this.#doubt !== undefined || this.#databases.has(relation.database)) return true;
    const groups = this.#groups.get(relationKey(relation));
    return groups === 'all' || (groups?.has(group) ?? false);
  }

  #mark(relation: RelationId, block: number): void {
    const key = relationKey(relation);
    const groups = this.#groups.get(key);
    if (groups === 'all') return;
    const group = Math.floor(block / this.#blocksInGroup);
    if (groups) groups.add(group);
    else this.#groups.set(key, new Set([group]));
  }

  #addXlog({ info }: WalRecord): void {
    // Between a stop and a start anything may have been done to the files (pg_checksums, pg_rewind, a copy put back).
    if (info === xlogInfo.shutdownCheckpoint) this.#doubt ??= 'the server was restarted';
    else if (info === xlogInfo.parameterChange) this.#doubt ??= 'settings of the WAL were changed';
    else if (info === xlogInfo.fullPageWritesChange) this.#doubt ??= 'full_page_writes was changed';
    else if (info === xlogInfo.endOfRecovery) this.#doubt ??= 'a recovery ended';
  }

  #addStorage(record: WalRecord): void {
    const { info, view, mainOffset, mainBytes } = record;
    // Blocks behind a cut may come back as zeroes of which WAL says nothing, and a number may be used again.
    const at = info === storageInfo.create ? 0 : info === storageInfo.truncate ? 4 : undefined;
    if (at === undefined || mainBytes < at + 12) {
      this.#doubt ??= 'a record of a relation file does not parse';
      return;
    }
    const [tablespace, database, filenode] = [0, 4, 8].map((offset) =>
      view.getUint32(mainOffset + at + offset, true),
    ) as [number, number, number];
    this.#groups.set(relationKey({ tablespace, database, filenode }), 'all');
  }
}
