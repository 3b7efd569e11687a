import { hostname, userInfo } from 'node:os';
import { harmlessText } from '../harmless-text.ts';
import type { ClusterObject } from './cluster-objects.ts';

/**
 * Annotations on what was stopped, written by the same patch that stops it: whoever finds the object without Lifeboat's state folder
 * sees what it was before, and who stopped it when. Taken off by the patch that restores it.
 */
export const marks = {
  formerReplicas: 'lifeboat.dev/former-replicas',
  formerSuspend: 'lifeboat.dev/former-suspend',
  formerBehavior: 'lifeboat.dev/former-behavior',
  stoppedBy: 'lifeboat.dev/stopped-by',
} as const;

/** For people: `root@web-1 at 2026-11-26T19:00:00Z`. */
export function stoppedByUs(): string {
  let account = 'somebody';
  try {
    account = userInfo().username;
  } catch {
    // An account without a name.
  }
  return `${account}@${hostname()} at ${new Date().toISOString().slice(0, 19)}Z`;
}

export function markOf({ metadata }: ClusterObject, mark: keyof typeof marks): string | undefined {
  const text = metadata.annotations?.[marks[mark]];
  return text === undefined ? undefined : harmlessText(text);
}

/** The marks that it has, as they are. */
export function marksOn({ metadata }: ClusterObject): Readonly<Record<string, string>> {
  const all = Object.values(marks).map((mark) => [mark, metadata.annotations?.[mark]] as const);
  return Object.fromEntries(
    all.filter((each): each is readonly [(typeof each)[0], string] => each[1] !== undefined),
  );
}

/** For a merge patch: these marks and no others; undefined when it has just them. */
export function marksPatch(
  object: ClusterObject,
  wanted: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string | null>> | undefined {
  const now = marksOn(object);
  const changed = Object.values(marks).filter((mark) => now[mark] !== wanted[mark]);
  if (changed.length === 0) return undefined;
  return Object.fromEntries(changed.map((mark) => [mark, wanted[mark] ?? null]));
}
