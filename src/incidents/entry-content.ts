import { hideSecrets, hideSecretsWithin } from '../core/index.ts';
import type { TimelineEntry } from '../recovery/index.ts';
import type { EntryContent } from './entry.ts';

/** Entries are small: they are read by people, and each is sent to every repository. */
const textCharactersMax = 2000;
const dataBytesMax = 24 * 1024;
const nameCharactersMax = 200;

/**
 * What is told, as it is kept: without any secret that this process has read, and cut where it is too long. Data that is too large is left
 * out, and the entry says how large it was.
 */
export function entryContent(
  told: TimelineEntry,
  who: { readonly actor: string; readonly host: string },
): EntryContent {
  const { event, source, durationMs } = told;
  return {
    actor: short(who.actor, nameCharactersMax),
    host: short(who.host, nameCharactersMax),
    event: short(event, nameCharactersMax),
    text: short(told.text, textCharactersMax),
    ...(source === undefined ? {} : { source: short(source, nameCharactersMax) }),
    ...(durationMs === undefined ? {} : { durationMs: Math.max(0, Math.round(durationMs)) }),
    ...(told.data === undefined ? {} : { data: smallData(told.data) }),
  };
}

function short(text: string, most: number): string {
  const safe = hideSecrets(text);
  const characters = [...safe];
  return characters.length <= most ? safe : `${characters.slice(0, most - 1).join('')}…`;
}

function smallData(data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const plain = JSON.stringify(data, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  const safe = hideSecretsWithin(JSON.parse(plain) as Readonly<Record<string, unknown>>);
  const bytes = Buffer.byteLength(JSON.stringify(safe));
  if (bytes <= dataBytesMax) return safe;
  const { attachment } = safe;
  return { leftOut: 'too large for an entry', bytes, ...(attachment ? { attachment } : {}) };
}
