import { chmodSync, lchownSync, lstatSync } from 'node:fs';
import { getXattr, listXattrs, removeXattr, setTimesNs, setXattr } from '../../../sources/index.ts';

/**
 * Mode, owner, times and extended attributes; a link has no mode. Returns how many extended attributes the place, or this account, could
 * not take.
 */
export function copyAttributes(
  from: Buffer,
  to: Buffer,
  owner?: { readonly uid: number; readonly gid: number },
): number {
  const facts = lstatSync(from, { bigint: true });
  const { uid, gid } = owner ?? { uid: Number(facts.uid), gid: Number(facts.gid) };
  const there = lstatSync(to);
  if (there.uid !== uid || there.gid !== gid) lchownSync(to, uid, gid);
  // An ACL comes before the mode, which is part of it; a capability after the owner, with whom it would go.
  const lost = copyXattrs(from, to);
  if (!facts.isSymbolicLink()) chmodSync(to, Number(facts.mode) & 0o7777);
  setTimesNs(to, facts.atimeNs, facts.mtimeNs);
  return lost;
}

function copyXattrs(from: Buffer, to: Buffer): number {
  let lost = 0;
  const wanted = listXattrs(from);
  for (const name of listXattrs(to)) if (!wanted.includes(name)) drop(to, name);
  for (const name of wanted) {
    const value = getXattr(from, name);
    const present = getXattr(to, name);
    if (value && !present?.equals(value) && !isSet(to, name, value)) lost++;
  }
  return lost;
}

function isSet(path: Buffer, name: string, value: Buffer): boolean {
  try {
    setXattr(path, name, value);
    return true;
  } catch (error) {
    if (['ENOTSUP', 'EPERM', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      return false;
    }
    throw error;
  }
}

/** What the system itself gives to new files, such as a label of SELinux, stays. */
function drop(path: Buffer, name: string): void {
  if (!name.startsWith('security.')) removeXattr(path, name);
}
