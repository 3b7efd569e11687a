import type { EnvelopeKey } from '../crypto/envelope.ts';
import { deriveKey } from '../crypto/key-derivation.ts';

/** The folders of the nested area that are used. Each has a key of its own. */
export type NestedFolder = 'data' | 'index' | 'keys' | 'locks' | 'snapshots';

export type NestedKeys = Readonly<Record<NestedFolder, EnvelopeKey>>;

/** `master` is the repository's master key. */
export function nestedKeys(master: EnvelopeKey): NestedKeys {
  return {
    data: deriveKey(master, 'nested data'),
    index: deriveKey(master, 'nested index'),
    keys: deriveKey(master, 'nested keys'),
    locks: deriveKey(master, 'nested locks'),
    snapshots: deriveKey(master, 'nested snapshots'),
  };
}
