import { envelopeOverhead } from '../crypto/envelope.ts';
import type { BlobId, BlobType } from '../repository.ts';
import {
  arrayField,
  asObject,
  damaged,
  hashField,
  numberField,
  parseObject,
  textField,
} from './json-shape.ts';

/** Where a blob lies in its pack. */
export interface PackedBlob {
  readonly id: BlobId;
  readonly type: BlobType;
  readonly offset: number;
  /** Sealed, as stored. */
  readonly length: number;
  /** Plain length of a compressed blob; 0 when it is stored uncompressed. */
  readonly uncompressedLength: number;
}

export interface IndexedPack {
  readonly name: string;
  readonly blobs: readonly PackedBlob[];
  /** The same as a plain pack header, where it is at hand. */
  readonly header?: Uint8Array;
}

/** The JSON of an index file. All blobs of a pack must be in one file. */
export function encodeIndex(packs: readonly IndexedPack[]): string {
  const lines = packs.map(
    (pack) => `{"id":"${pack.name}","blobs":[${pack.blobs.map(encodeBlob).join(',')}]}`,
  );
  return `{"packs":[${lines.join(',')}]}\n`;
}

function encodeBlob(blob: PackedBlob): string {
  const plain =
    blob.uncompressedLength === 0 ? '' : `,"uncompressed_length":${blob.uncompressedLength}`;
  return `{"id":"${blob.id}","type":"${blob.type}","offset":${blob.offset},"length":${blob.length}${plain}}`;
}

/** Errors: `repository.damaged`. */
export function decodeIndex(json: string): readonly IndexedPack[] {
  return arrayField(parseObject(json, 'index'), 'packs').map((value) => {
    const pack = asObject(value, 'pack');
    return { name: hashField(pack, 'id'), blobs: arrayField(pack, 'blobs').map(decodeBlob) };
  });
}

const maxUint32 = 2 ** 32 - 1;
/** Far above what any program cuts files into, and above the largest tree that was ever seen. */
export const maxBlobBytes = 512 * 1024 * 1024;

function decodeBlob(value: unknown): PackedBlob {
  const blob = asObject(value, 'blob');
  const type = textField(blob, 'type');
  if (type !== 'data' && type !== 'tree') throw damaged('index: a blob of unknown type');
  const length = numberField(blob, 'length', maxBlobBytes);
  if (length <= envelopeOverhead) throw damaged('index: a blob of impossible length');
  return {
    id: hashField(blob, 'id') as BlobId,
    type,
    offset: numberField(blob, 'offset', maxUint32),
    length,
    uncompressedLength: numberField(blob, 'uncompressed_length', maxBlobBytes, 0),
  };
}
