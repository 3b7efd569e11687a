import { type BigIntStats, readlinkSync } from 'node:fs';
import {
  attributesText,
  linkTargetText,
  nodeHead,
  type TreeNode,
} from '../../../repository/thread.ts';
import { getXattr, listXattrs } from '../system/index.ts';
import type { OwnerTexts } from './accounts.ts';
import { systemPath } from './byte-path.ts';

export type EntryType = TreeNode['type'];

export function typeOf(facts: BigIntStats): EntryType | undefined {
  if (facts.isFile()) return 'file';
  if (facts.isDirectory()) return 'dir';
  if (facts.isSymbolicLink()) return 'symlink';
  if (facts.isBlockDevice()) return 'dev';
  if (facts.isCharacterDevice()) return 'chardev';
  if (facts.isFIFO()) return 'fifo';
  if (facts.isSocket()) return 'socket';
  return undefined;
}

/** Makes the text of nodes. A node is `head`, then `attributes`, then the end that its type asks for. */
export class EntryNodes {
  readonly #owners: OwnerTexts;
  readonly #withAtime: boolean;

  constructor(owners: OwnerTexts, options: { readonly withAtime: boolean }) {
    this.#owners = owners;
    this.#withAtime = options.withAtime;
  }

  head(name: string, type: EntryType, facts: BigIntStats, sizeBytes: bigint | number): string {
    const owners = this.#owners.text(facts.uid, facts.gid);
    const atimeNs = this.#withAtime ? facts.atimeNs : undefined;
    return nodeHead({ name, type, facts, sizeBytes, owners, atimeNs });
  }

  /** The whole node of what is neither file nor folder. Throws what the file system says. */
  special(name: string, type: EntryType, path: string, facts: BigIntStats): string {
    const target =
      type === 'symlink' ? linkTargetText(readlinkSync(systemPath(path), 'buffer')) : '';
    const isDevice = type === 'dev' || type === 'chardev';
    const device = isDevice && facts.rdev !== 0n ? `,"device":${facts.rdev}` : '';
    const head = this.head(name, type, facts, 0n);
    return `${head}${target}${attributes(path)}${device},"content":null}`;
  }
}

/** `,"extended_attributes":[...]`, or nothing. Throws what the file system says. */
export function attributes(path: string): string {
  const bytes = Buffer.from(path, 'latin1');
  const names = listXattrs(bytes);
  if (names.length === 0) return '';
  return attributesText(
    names.flatMap((name) => {
      const value = getXattr(bytes, name);
      return value === undefined ? [] : [{ name, value }];
    }),
  );
}
