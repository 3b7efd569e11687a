import { createHash } from 'node:crypto';
import { LifeboatError } from '../core/index.ts';
import {
  canonicalJson,
  signatureBytes,
  verifySignature,
  type WriterIdentity,
} from '../repository/index.ts';
import type { IncidentEntry, SignedEntry } from './entry.ts';

const formatVersion = 1;
/** In front of what is signed: a signature for anything else never fits an entry. */
const domain = 'lifeboat incident entry 1\n';
/** Of a whole entry; what is longer was never written by this program. */
export const entryBytesMax = 64 * 1024;
export const headsMax = 64;

/** Canonical JSON on one line, the signature in hex on the next. docs/formats/incidents.md. */
export function signEntry(
  content: Omit<IncidentEntry, 'id' | 'writer'>,
  writer: WriterIdentity,
): SignedEntry {
  const { time, ...rest } = content;
  const fields = { version: formatVersion, ...rest, time: time.toISOString() };
  const json = canonicalJson({ ...fields, writer: writer.publicKey });
  const signature = Buffer.from(writer.sign(Buffer.from(domain + json))).toString('hex');
  return decodeEntry(`${json}\n${signature}\n`);
}

/** Reads an entry that anybody may have written. Errors: `record.invalid`; the message says what is wrong. */
export function decodeEntry(text: string): SignedEntry {
  if (Buffer.byteLength(text) > entryBytesMax) throw invalid('it is too large');
  const match = /^([^\n]*)\n([0-9a-f]+)\n$/.exec(text);
  if (match?.[2]?.length !== signatureBytes * 2) throw invalid('it is not whole');
  const [, json, signature] = match as unknown as [string, string, string];
  const fields = parse(json);
  const { writer } = fields;
  if (typeof writer !== 'string' || !isHash(writer)) throw invalid('it names no writer');
  if (!verifySignature(writer, Buffer.from(domain + json), Buffer.from(signature, 'hex'))) {
    throw invalid('its signature does not match: it was changed, or signed with another key');
  }
  const id = createHash('sha256').update(text).digest('hex');
  return { text, entry: { ...entryFields(fields), id, writer } };
}

function entryFields(fields: Fields): Omit<IncidentEntry, 'id' | 'writer'> {
  if (fields.version !== formatVersion) throw invalid('it has an unknown version');
  const { incident, sequence, previous, heads, source, durationMs, data } = fields;
  if (typeof incident !== 'string' || !isIncidentId(incident)) throw invalid('no incident');
  if (!Number.isSafeInteger(sequence) || (sequence as number) < 1) throw invalid('no number');
  if (previous !== '' && !isHash(previous)) throw invalid('no previous entry');
  if (!Array.isArray(heads) || heads.length > headsMax || !heads.every(isHash)) {
    throw invalid('no heads');
  }
  const time = new Date(textOf(fields, 'time'));
  if (Number.isNaN(time.getTime())) throw invalid('no time');
  if (source !== undefined && typeof source !== 'string') throw invalid('no source');
  const isSpan = typeof durationMs === 'number' && Number.isFinite(durationMs) && durationMs >= 0;
  if (durationMs !== undefined && !isSpan) throw invalid('no duration');
  if (data !== undefined && !isObject(data)) throw invalid('no data');
  return {
    incident,
    sequence: sequence as number,
    previous: previous as string,
    heads: heads as readonly string[],
    time,
    actor: textOf(fields, 'actor'),
    host: textOf(fields, 'host'),
    event: textOf(fields, 'event'),
    text: textOf(fields, 'text'),
    ...(source === undefined ? {} : { source }),
    ...(isSpan ? { durationMs } : {}),
    ...(data === undefined ? {} : { data }),
  };
}

/** `20261126-7f3a2c`: also the name of its folder, so nothing else may be one. */
export function isIncidentId(text: string): boolean {
  return /^\d{8}-[0-9a-f]{6}$/.test(text);
}

type Fields = Readonly<Record<string, unknown>>;

function parse(json: string): Fields {
  try {
    const value: unknown = JSON.parse(json);
    if (isObject(value)) return value;
  } catch (error) {
    throw invalid('it is no JSON', error);
  }
  throw invalid('it is no object');
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw invalid(`no ${name}`);
  return value;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function invalid(problem: string, cause?: unknown): LifeboatError {
  return new LifeboatError('record.invalid', problem, {
    hint: 'Run `lifeboat incident verify` to see all that is wrong with an incident.',
    ...(cause === undefined ? {} : { cause }),
  });
}
