import { readlinkSync } from 'node:fs';
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
  /** What Lifeboat is doing; other programs do not say. */
  readonly operation?: string | undefined;
  /** When it began; `time` is that of the last refresh. */
  readonly since?: Date | undefined;
  /** In which space of process ids `pid` means something: containers may share a host name. */
  readonly pidSpace?: string | undefined;
}

/** restic's own limit. */
export const staleAfterMs = 30 * 60_000;

export function ownLock(exclusive: boolean, operation?: string, since?: Date): LockFile {
  const [host, username, time] = [hostname(), userName(), new Date()];
  const lock = { time, exclusive, hostname: host, username, pid: process.pid };
  return operation === undefined ? lock : { ...lock, operation, since, pidSpace: ownPidSpace() };
}

/** Undefined where the system does not say. */
function ownPidSpace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return undefined;
  }
}

/** JSON in the field order of restic's Lock struct; our own field comes last, others ignore it. */
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
    ...encodeOwn(lock),
  ];
  return `{${fields.join(',')}}`;
}

function encodeOwn({ operation, since, time, pidSpace }: LockFile): string[] {
  if (operation === undefined) return [];
  const began = formatGoTime(BigInt((since ?? time).getTime()) * 1_000_000n);
  const space = pidSpace === undefined ? '' : `,"pidSpace":${goJsonString(pidSpace)}`;
  return [`"lifeboat":{"operation":${goJsonString(operation)},"since":"${began}"${space}}`];
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
    ...decodeOwn(object.lifeboat),
  };
}

/** Only said to people: what is malformed is left out. */
function decodeOwn(value: unknown): Pick<LockFile, 'operation' | 'since' | 'pidSpace'> {
  if (typeof value !== 'object' || value === null) return {};
  const { operation, since, pidSpace } = value as Readonly<Record<string, unknown>>;
  if (typeof operation !== 'string' || typeof since !== 'string') return {};
  const sinceNs = parseGoTime(since);
  if (sinceNs === undefined) return {};
  return {
    operation: operation.slice(0, 100),
    since: new Date(Number(sinceNs / 1_000_000n)),
    ...(typeof pidSpace === 'string' ? { pidSpace } : {}),
  };
}

/** True when its process is known to be gone: it ran on this host. */
export function isOfDeadProcess(lock: LockFile): boolean {
  if (lock.hostname !== hostname()) return false;
  // In another container of that name the process may well be alive.
  if (lock.pidSpace !== undefined && lock.pidSpace !== ownPidSpace()) return false;
  return !processExists(lock.pid);
}

/** True when another process of this host is seen to live that has its number. */
export function isOfLivingProcess({ hostname: host, pidSpace, pid }: LockFile): boolean {
  const isHere = host === hostname() && (pidSpace === undefined || pidSpace === ownPidSpace());
  return isHere && pid !== process.pid && processExists(pid);
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
