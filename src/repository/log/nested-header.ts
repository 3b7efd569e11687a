import { LifeboatError } from '../../core/index.ts';

/** What a file of the nested area is. The number is stored; never reuse one. */
export const nestedKinds = {
  segment: 1,
  file: 2,
  piece: 3,
  manifest: 4,
  record: 5,
  marks: 6,
  recordIndex: 7,
} as const;
export type NestedKind = keyof typeof nestedKinds;

/**
 * Stands in front of every payload, inside the envelope. The envelope does not authenticate what a file
 * is; this does, once it is compared with what was asked for. Layout: docs/formats/logs.md.
 */
export interface NestedHeader {
  readonly kind: NestedKind;
  /** 0 for what was appended as it is; one more than its parts for what was merged out of several. */
  readonly level: number;
  readonly log: string;
  /** A stream, or the name of a named file; `''` for a manifest. */
  readonly part: string;
  readonly position: bigint;
  /** Of the payload before compression. */
  readonly lengthBytes: number;
  /** SHA-256 (hex) of the content that comes directly before, or 64 zeros when the writer did not know. */
  readonly previous: string;
}

const magic = 0x4c424f41;
const formatVersion = 1;
const fixedBytes = 60;
const maximumNameBytes = 1024;

/** No payload is larger: the largest WAL segment PostgreSQL can have. */
export const maximumPayloadBytes = 1024 ** 3;
/** A record is a small document, and one that is not was made to do harm: little may unpack to much. */
export const maximumRecordBytes = 64 * 1024 ** 2;
export const noPrevious = '0'.repeat(64);

const kindOfNumber = new Map<number, NestedKind>(
  Object.entries(nestedKinds).map(([kind, number]) => [number, kind as NestedKind]),
);

export function encodeHeader(header: NestedHeader): Buffer {
  const log = Buffer.from(header.log);
  const part = Buffer.from(header.part);
  const bytes = Buffer.alloc(fixedBytes + log.length + part.length);
  bytes.writeUInt32BE(magic, 0);
  bytes.writeUInt8(formatVersion, 4);
  bytes.writeUInt8(nestedKinds[header.kind], 5);
  bytes.writeUInt8(header.level, 6);
  bytes.writeBigUInt64BE(header.position, 8);
  bytes.writeBigUInt64BE(BigInt(header.lengthBytes), 16);
  bytes.write(header.previous, 24, 'hex');
  bytes.writeUInt16BE(log.length, 56);
  bytes.writeUInt16BE(part.length, 58);
  log.copy(bytes, fixedBytes);
  part.copy(bytes, fixedBytes + log.length);
  return bytes;
}

/** The header and where the payload begins. `subject` names the file in errors (`repository.damaged`,
 * `repository.unsupported`). */
export function decodeHeader(
  plain: Uint8Array,
  subject: string,
): { readonly header: NestedHeader; readonly payloadAt: number } {
  const bytes = Buffer.from(plain.buffer, plain.byteOffset, plain.length);
  if (bytes.length < fixedBytes || bytes.readUInt32BE(0) !== magic) {
    throw damaged(subject, 'it does not begin with a header');
  }
  const version = bytes.readUInt8(4);
  if (version !== formatVersion) {
    throw new LifeboatError('repository.unsupported', `${subject} has format version ${version}`, {
      hint: 'A newer Lifeboat wrote it; use that one.',
    });
  }
  const kind = kindOfNumber.get(bytes.readUInt8(5));
  const lengthBytes = bytes.readBigUInt64BE(16);
  const logAt = fixedBytes;
  const partAt = logAt + bytes.readUInt16BE(56);
  const payloadAt = partAt + bytes.readUInt16BE(58);
  const namesFit = partAt - logAt <= maximumNameBytes && payloadAt - partAt <= maximumNameBytes;
  if (kind === undefined) throw damaged(subject, 'its header names no known kind');
  if (lengthBytes > maximumPayloadBytes) throw damaged(subject, 'its header names a huge length');
  if (!namesFit || payloadAt > bytes.length) throw damaged(subject, 'its header is cut off');
  const header: NestedHeader = {
    kind,
    level: bytes.readUInt8(6),
    log: bytes.toString('utf8', logAt, partAt),
    part: bytes.toString('utf8', partAt, payloadAt),
    position: bytes.readBigUInt64BE(8),
    lengthBytes: Number(lengthBytes),
    previous: bytes.toString('hex', 24, 56),
  };
  return { header, payloadAt };
}

export function damaged(subject: string, problem: string, cause?: unknown): LifeboatError {
  return new LifeboatError('repository.damaged', `${subject} is damaged: ${problem}`, {
    hint: 'Run `lifeboat check` to see what is affected.',
    context: { file: subject },
    cause,
  });
}
