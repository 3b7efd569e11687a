import { hostname } from 'node:os';
import { goJsonString } from '../format/go-text.ts';
import { formatGoTime, parseGoTime } from '../format/go-time.ts';
import {
  damaged,
  numberField,
  optionalText,
  parseObject,
  textField,
} from '../format/json-shape.ts';
import { userName } from '../format/key-file.ts';

export interface LockFile {
  readonly time: Date;
  readonly exclusive: boolean;
  readonly hostname: string;
  readonly username: string;
  readonly pid: number;
}

/** restic's own limit. */
export const staleAfterMs = 30 * 60_000;

export function ownLock(exclusive: boolean): LockFile {
  const [host, username] = [hostname(), userName()];
  return { time: new Date(), exclusive, hostname: host, username, pid: process.pid };
}

/** JSON in the field order of restic's Lock struct. */
export function encodeLock(lock: LockFile): string {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const fields = [
    `"time":"${formatGoTime(BigInt(lock.time.getTime()) * 1_000_000n)}"`,
    `"exclusive":${lock.exclusive}`,
    `"hostname":${goJsonString(lock.hostname)}`,
    `"username":${goJsonString(lock.username)}`,
    `"pid":${lock.pid}`,
    ...(uid === 0 ? [] : [`"uid":${uid}`]),
    ...(gid === 0 ? [] : [`"gid":${gid}`]),
  ];
  return `{${fields.join(',')}}`;
}

/** Errors: `repository.damaged`. */
export function decodeLock(json: string): LockFile {
  const object = parseObject(json, 'lock');
  const timeNs = parseGoTime(textField(object, 'time'));
  if (timeNs === undefined) throw damaged('lock: its time is none');
  return {
    time: new Date(Number(timeNs / 1_000_000n)),
    exclusive: object.exclusive === true,
    hostname: optionalText(object, 'hostname'),
    username: optionalText(object, 'username'),
    pid: numberField(object, 'pid', Number.MAX_SAFE_INTEGER, 0),
  };
}

/** True when nobody can hold this lock any more: too old, or its process on this host is gone. */
export function isStale(lock: LockFile, now = Date.now()): boolean {
  if (now - lock.time.getTime() > staleAfterMs) return true;
  return lock.hostname === hostname() && !processExists(lock.pid);
}

function processExists(pid: number): boolean {
  // 0 and below mean groups of processes to kill(2).
  if (pid <= 0 || pid > 2 ** 31 - 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
