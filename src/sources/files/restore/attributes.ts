import {
  type BigIntStats,
  chmodSync,
  chownSync,
  constants,
  fchmodSync,
  lchownSync,
  lstatSync,
} from 'node:fs';
import type { TreeNode } from '../../../repository/index.ts';
import {
  closeDescriptor,
  getXattr,
  listXattrs,
  openAt,
  removeXattr,
  setDescriptorOwner,
  setDescriptorTimesNs,
  setTimesNs,
  setXattr,
} from '../system/index.ts';
import type { RestoreSetup } from './messages.ts';
import type { OpenFolder } from './open-folders.ts';
import { mappedOwner } from './owner-map.ts';
import type { Problems } from './problems.ts';
import { isFatal, systemErrorCode } from './system-error.ts';

const O_PATH = 0o10000000;
const setIdBits = 0o6000;

/** Sets what entries carry beside their content, and notes what cannot be set. */
export class AttributeWriter {
  readonly #owners: RestoreSetup['owners'];
  readonly #account: RestoreSetup['account'];

  constructor({ owners, account }: RestoreSetup) {
    this.#owners = owners;
    this.#account = account;
  }

  /** The mode to create a file with, so that as little as possible is left to do. */
  creationMode(node: TreeNode): number {
    // Extended attributes need a file that its owner may write.
    return node.extendedAttributes === undefined ? node.mode & 0o777 : 0o600;
  }

  /** For a file that this run just created with `creationMode`, in a folder that hands nothing down to it. */
  finishNew(fd: number, node: TreeNode, path: string, problems: Problems): void {
    const { uid, gid } = this.#owners.isKept ? mappedOwner(node, this.#owners) : this.#account;
    let mode = node.mode & 0o7777;
    if (uid !== this.#account.uid || gid !== this.#account.gid) {
      const isOwned = attempt('owner', path, problems, () => setDescriptorOwner(fd, uid, gid));
      if (!isOwned) mode = withoutSetId(mode, path, problems);
    }
    if ((mode & ~this.#account.umask & 0o777) !== mode) {
      attempt('mode', path, problems, () => fchmodSync(fd, mode));
    }
    const { atimeNs = node.mtimeNs, mtimeNs } = node;
    attempt('times', path, problems, () => setDescriptorTimesNs(fd, atimeNs, mtimeNs));
  }

  /** For any entry: looks first, and sets what differs. Times come last; nothing after them may touch the entry. */
  finish(folder: OpenFolder, name: Buffer, node: TreeNode, path: string, problems: Problems): void {
    const place = Buffer.concat([folder.prefix, name]);
    const current = lstatSync(place, { bigint: true });
    if (current.isSymbolicLink()) this.#finishLink(place, current, node, path, problems);
    else {
      // The entry itself, whatever comes to its place meanwhile: chmod and chown would follow a link.
      const fd = openAt(folder.fd, name, O_PATH | constants.O_NOFOLLOW);
      try {
        this.#finishOpen(fd, place, current, node, path, problems);
      } finally {
        closeDescriptor(fd);
      }
    }
    const { atimeNs = node.mtimeNs, mtimeNs } = node;
    const after = lstatSync(place, { bigint: true });
    if (after.mtimeNs === mtimeNs && after.atimeNs === atimeNs) return;
    attempt('times', path, problems, () => setTimesNs(place, atimeNs, mtimeNs));
  }

  #finishLink(
    place: Buffer,
    current: BigIntStats,
    node: TreeNode,
    path: string,
    problems: Problems,
  ): void {
    const { uid, gid } = this.#ownerFor(node, current);
    if (current.uid !== BigInt(uid) || current.gid !== BigInt(gid)) {
      attempt('owner', path, problems, () => lchownSync(place, uid, gid));
    }
    setXattrs(place, node, path, problems);
  }

  #finishOpen(
    fd: number,
    place: Buffer,
    current: BigIntStats,
    node: TreeNode,
    path: string,
    problems: Problems,
  ): void {
    const self = `/proc/self/fd/${fd}`;
    const { uid, gid } = this.#ownerFor(node, current);
    let mode = node.mode & 0o7777;
    let currentMode = Number(current.mode) & 0o7777;
    if (current.uid !== BigInt(uid) || current.gid !== BigInt(gid)) {
      const isOwned = attempt('owner', path, problems, () => chownSync(self, uid, gid));
      if (!isOwned) mode = withoutSetId(mode, path, problems);
      // chown took away what setuid and setgid bits there were.
      else currentMode = -1;
    }
    // Before the mode, which may forbid it; behind the owner, who takes capabilities away. An ACL changes the mode.
    if (setXattrs(place, node, path, problems)) currentMode = -1;
    if (currentMode !== mode) attempt('mode', path, problems, () => chmodSync(self, mode));
  }

  #ownerFor(node: TreeNode, current: BigIntStats): { readonly uid: number; readonly gid: number } {
    if (this.#owners.isKept) return mappedOwner(node, this.#owners);
    return { uid: Number(current.uid), gid: Number(current.gid) };
  }
}

/** A program of another owner would run as whoever restores it. */
function withoutSetId(mode: number, path: string, problems: Problems): number {
  if ((mode & setIdBits) !== 0) problems.addAttribute('setuid and setgid bits', 'EPERM', path);
  return mode & ~setIdBits;
}

/** What a snapshot lacks is taken away where it is the user's or grants access; the rest is the system's. */
const removable = /^(user\.|system\.posix_acl_)/;

/** True when anything was changed. */
function setXattrs(place: Buffer, node: TreeNode, path: string, problems: Problems): boolean {
  const wanted = node.extendedAttributes ?? [];
  let isChanged = false;
  for (const name of listXattrs(place)) {
    if (!removable.test(name) || wanted.some((each) => each.name === name)) continue;
    const remove = () => removeXattr(place, name);
    isChanged = attempt(`extended attribute ${name}`, path, problems, remove) || isChanged;
  }
  for (const { name, value = new Uint8Array() } of wanted) {
    if (getXattr(place, name)?.equals(value)) continue;
    const set = () => setXattr(place, name, value);
    isChanged = attempt(`extended attribute ${name}`, path, problems, set) || isChanged;
  }
  return isChanged;
}

function attempt(attribute: string, path: string, problems: Problems, set: () => void): boolean {
  try {
    set();
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined || (isFatal(error) && code !== 'ENOSPC')) throw error;
    problems.addAttribute(attribute, code, path);
    return false;
  }
}
