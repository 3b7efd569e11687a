import { constants } from 'node:os';
import { cString, linuxCalls, systemError } from './linux-calls.ts';

const { ENODATA, ENOTSUP, ERANGE } = constants.errno;

let names = Buffer.allocUnsafe(4096);
let value = Buffer.allocUnsafe(4096);

/**
 * Names of the extended attributes of a file, folder or of a link itself; POSIX ACLs are among them
 * (`system.posix_acl_access`). Empty where the file system has none. Throws as Node's file functions do.
 */
export function listXattrs(path: Uint8Array): string[] {
  const calls = linuxCalls();
  if (calls === undefined) return [];
  const target = cString(path);
  for (;;) {
    const length = calls.llistxattr(target, names, names.length);
    if (length === 0) return [];
    if (length > 0)
      return names
        .toString('latin1', 0, length - 1)
        .split('\0')
        .map(utf8Name);
    const errno = calls.errno();
    if (errno === ENOTSUP) return [];
    if (errno !== ERANGE) throw systemError('llistxattr', errno);
    names = Buffer.allocUnsafe(names.length * 4);
  }
}

/** A copy of the value; undefined when the attribute has gone meanwhile. */
export function getXattr(path: Uint8Array, name: string): Buffer | undefined {
  const calls = linuxCalls();
  if (calls === undefined) return undefined;
  const [target, attribute] = [cString(path), cString(Buffer.from(name))];
  for (;;) {
    const length = calls.lgetxattr(target, attribute, value, value.length);
    if (length >= 0) return Buffer.from(value.subarray(0, length));
    const errno = calls.errno();
    if (errno === ENODATA || errno === ENOTSUP) return undefined;
    if (errno !== ERANGE) throw systemError('lgetxattr', errno);
    value = Buffer.allocUnsafe(value.length * 4);
  }
}

/** Sets an attribute of the entry itself, links are not followed. Throws as Node's file functions do. */
export function setXattr(path: Uint8Array, name: string, bytes: Uint8Array): void {
  const calls = linuxCalls();
  if (calls === undefined) throw systemError('lsetxattr', ENOTSUP);
  const attribute = cString(Buffer.from(name));
  const result = calls.lsetxattr(cString(path), attribute, Buffer.from(bytes), bytes.length, 0);
  if (result !== 0) throw systemError('lsetxattr', calls.errno());
}

/** An attribute that is not there is no error. */
export function removeXattr(path: Uint8Array, name: string): void {
  const calls = linuxCalls();
  if (calls === undefined) throw systemError('lremovexattr', ENOTSUP);
  if (calls.lremovexattr(cString(path), cString(Buffer.from(name))) === 0) return;
  const errno = calls.errno();
  if (errno !== ENODATA) throw systemError('lremovexattr', errno);
}

function utf8Name(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
