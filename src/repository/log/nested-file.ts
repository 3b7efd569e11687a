import { createHash } from 'node:crypto';
import { assert } from '../../core/index.ts';
import { type EnvelopeKey, envelopeOverhead, openView, seal } from '../crypto/envelope.ts';
import { publicContext, type ZstdContext, zstdContext } from '../data-plane/zstd-context.ts';
import {
  damaged,
  decodeHeader,
  encodeHeader,
  maximumPayloadBytes,
  maximumRecordBytes,
  type NestedHeader,
} from './nested-header.ts';
import type { NestedFolder } from './nested-keys.ts';

// Synchronous: `NestedCodec` sees to it that only small files are worked on by the main thread.
const choice = { level: 1 };
/** PostgreSQL's segments, unless somebody chose larger ones. */
const usualBytesMax = 16 * 1024 * 1024;

/** A file as it is stored: its name is the SHA-256 of its bytes. */
export interface SealedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** SHA-256 of the payload. */
  readonly content: string;
}

export interface OpenedFile {
  readonly header: NestedHeader;
  readonly payload: Uint8Array;
  /** SHA-256 of the payload. */
  readonly content: string;
}

/**
 * Envelope(header || zstd(payload)). What is returned was opened, decompressed and compared with the
 * payload again: a fault of memory or of a library is found now, not when the bytes are needed.
 */
export function sealFile(
  key: EnvelopeKey,
  header: Omit<NestedHeader, 'lengthBytes'>,
  payload: Uint8Array,
): SealedFile {
  assert(payload.length <= maximumPayloadBytes, 'a payload has at most 1 GiB');
  const full = { ...header, lengthBytes: payload.length };
  const content = sha256(payload);
  const zstd = contextFor(payload.length);
  const bytes = seal(key, Buffer.concat([encodeHeader(full), zstd.compress(payload)]));
  const subject = 'a file just sealed';
  const { header: found, frame } = decrypt(key, bytes, subject);
  const again = zstd.decompress(frame, found.lengthBytes);
  if (again === undefined || Buffer.compare(again, payload) !== 0) {
    throw damaged(subject, 'it does not hold what was put in');
  }
  return { name: sha256(bytes), bytes, content };
}

/** As `openFile`, of bytes that are to have that name. Errors: `repository.damaged`, also when the bytes are
 * whole but not the ones of the name, `repository.unsupported`. `room` is where the payload is put if it fills it exactly. */
export function openNamedFile(
  key: EnvelopeKey,
  folder: NestedFolder,
  name: string,
  sealed: Uint8Array,
  room?: Uint8Array,
): OpenedFile {
  const subject = `lifeboat/${folder}/${name}`;
  if (sha256(sealed) !== name) throw damaged(subject, 'its bytes are not the ones of its name');
  const opened = openFile(key, sealed, subject, room);
  return { ...opened, content: sha256(opened.payload) };
}

/** Checks the MAC, the header's form and the length. What the header *says* is for the caller to compare. */
export function openFile(
  key: EnvelopeKey,
  sealed: Uint8Array,
  subject: string,
  room?: Uint8Array,
): Omit<OpenedFile, 'content'> {
  const { header, frame } = decrypt(key, sealed, subject);
  const { lengthBytes } = header;
  if (header.kind === 'record' && lengthBytes > maximumRecordBytes) {
    throw damaged(subject, 'it is far too large for a record');
  }
  const payload = room?.length === lengthBytes ? room : new Uint8Array(lengthBytes);
  if (!contextFor(lengthBytes).decompressInto(frame, payload)) {
    throw damaged(subject, `it does not decompress to the ${lengthBytes} bytes it should have`);
  }
  return { header, payload };
}

/** The frame is a view that the next call overwrites. */
function decrypt(
  key: EnvelopeKey,
  sealed: Uint8Array,
  subject: string,
): { readonly header: NestedHeader; readonly frame: Uint8Array } {
  if (sealed.length <= envelopeOverhead) throw damaged(subject, 'it is too short');
  const plain = openView(key, sealed, subject);
  const { header, payloadAt } = decodeHeader(plain, subject);
  return { header, frame: plain.subarray(payloadAt) };
}

/** Memory for longer payloads is not kept. */
function contextFor(lengthBytes: number): ZstdContext {
  return lengthBytes <= usualBytesMax ? zstdContext(choice) : publicContext(choice);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
