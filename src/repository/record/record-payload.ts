import { LifeboatError } from '../../core/index.ts';
import { isHashName } from '../location/file-name.ts';
import { maximumRecordBytes } from '../log/nested-header.ts';
import { canonicalJson } from './canonical-json.ts';
import type { LifeboatRecord } from './record.ts';
import { signatureBytes, verifySignature, type WriterIdentity } from './writer-identity.ts';

/** What a record says, without the name it is stored under. */
export type RecordContent = Omit<LifeboatRecord, 'id'>;

const formatVersion = 1;
/** In front of what is signed: a signature for anything else never fits a record. */
const domain = Buffer.from('lifeboat record 1\n');

/** signature (64 bytes) || canonical JSON. Errors: `record.invalid`, for what is far too large. */
export function encodeRecord(content: RecordContent, writer: WriterIdentity): Uint8Array {
  const { kind, source, sequence, heads, body } = content;
  const time = content.time.toISOString();
  const fields = { version: formatVersion, kind, source, time, writer: content.writer };
  const json = Buffer.from(canonicalJson({ ...fields, sequence, heads, body: body ?? null }));
  if (json.length + signatureBytes > maximumRecordBytes) throw invalid(kind, 'it is too large');
  return Buffer.concat([writer.sign(Buffer.concat([domain, json])), json]);
}

/** Errors: `record.invalid`. */
export function decodeRecord(payload: Uint8Array, subject: string): RecordContent {
  const json = payload.subarray(signatureBytes);
  const fields = parse(json, subject);
  if (fields.version !== formatVersion) throw invalid(subject, 'it has an unknown version');
  const { kind, source, time, writer, sequence, heads, body } = fields;
  if (typeof kind !== 'string' || typeof source !== 'string') throw invalid(subject, 'no kind');
  if (typeof time !== 'string' || Number.isNaN(Date.parse(time))) throw invalid(subject, 'no time');
  if (typeof writer !== 'string' || !isHashName(writer)) throw invalid(subject, 'no writer');
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || sequence < 1) {
    throw invalid(subject, 'no sequence');
  }
  if (
    !Array.isArray(heads) ||
    !heads.every((each) => typeof each === 'string' && isHashName(each))
  ) {
    throw invalid(subject, 'no heads');
  }
  const signature = payload.subarray(0, signatureBytes);
  if (!verifySignature(writer, Buffer.concat([domain, json]), signature)) {
    throw invalid(subject, 'its signature does not match');
  }
  const seen = heads as readonly string[];
  return { kind, source, time: new Date(time), writer, sequence, heads: seen, body };
}

function parse(json: Uint8Array, subject: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (error) {
    throw invalid(subject, 'it is no JSON', error);
  }
  if (typeof value !== 'object' || value === null) throw invalid(subject, 'it is no object');
  return value as Readonly<Record<string, unknown>>;
}

function invalid(subject: string, problem: string, cause?: unknown): LifeboatError {
  return new LifeboatError('record.invalid', `${subject} is no valid record: ${problem}`, {
    hint: 'Run `lifeboat check` to see what is affected.',
    cause,
  });
}
