import { createHash } from 'node:crypto';
import { isLifeboatError } from '../../core/index.ts';
import { type EnvelopeKey, openView } from '../crypto/envelope.ts';
import type { PackedBlob } from '../format/index-file.ts';
import { damaged } from '../format/json-shape.ts';
import {
  decodePackHeader,
  locatePackHeader,
  packHeaderBytes,
  packTrailerBytes,
} from '../format/pack-header.ts';
import { openVerifiedBlob } from './blob-codec.ts';
import type { PackSource } from './pack-source.ts';
import type { PackProblem } from './worker-messages.ts';

/** So much is read and hashed at once: what follows finds it in the processor's cache. */
const windowBytes = 256 * 1024;

/** Everything that can be wrong with a whole pack: name, header against the index, and every blob. */
export function checkPack(
  key: EnvelopeKey,
  name: string,
  pack: PackSource,
  indexed: readonly PackedBlob[],
): readonly PackProblem[] {
  const problems: PackProblem[] = [];
  const headerProblem = attempt(() => checkHeader(key, pack, indexed));
  if (headerProblem !== undefined) problems.push({ problem: headerProblem });
  const hash = createHash('sha256');
  const check = (blob: PackedBlob, sealed: Uint8Array) => {
    const { id, type, uncompressedLength } = blob;
    const problem = attempt(() => {
      openVerifiedBlob(key, sealed, uncompressedLength, id);
      return undefined;
    });
    if (problem !== undefined) problems.push({ blob: { id, type }, problem });
  };
  const blobs = indexed.toSorted((a, b) => a.offset - b.offset);
  let next = 0;
  for (let at = 0; at < pack.sizeBytes; ) {
    const begin = next;
    let end = Math.min(at + windowBytes, pack.sizeBytes);
    let taken = at;
    // As many whole blobs as a window holds, or one that is larger.
    for (let blob = blobs[next]; blob !== undefined; blob = blobs[++next]) {
      const blobEnd = blob.offset + blob.length;
      if (blob.offset < at || blobEnd > pack.sizeBytes || blob.offset > end) break;
      if (blobEnd > end && next > begin) {
        end = Math.max(taken, blob.offset);
        break;
      }
      taken = Math.max(taken, blobEnd);
      end = Math.max(end, blobEnd);
      if (end > at + windowBytes) {
        next++;
        break;
      }
    }
    const bytes = pack.read(at, end - at);
    hash.update(bytes);
    for (const blob of blobs.slice(begin, next)) {
      check(blob, bytes.subarray(blob.offset - at, blob.offset - at + blob.length));
    }
    at = end;
    // An index that lies may have blobs overlap, or lie outside.
    for (let blob = blobs[next]; blob !== undefined && blob.offset < at; blob = blobs[++next]) {
      const isWithin = blob.offset + blob.length <= pack.sizeBytes;
      check(blob, isWithin ? pack.read(blob.offset, blob.length) : new Uint8Array(0));
    }
  }
  for (const blob of blobs.slice(next)) check(blob, new Uint8Array(0));
  // As stock restic does, although every byte lies under a MAC: a name that is not the hash is a damage of its own.
  if (hash.digest('hex') !== name) problems.unshift({ problem: 'its bytes do not match its name' });
  return problems;
}

function checkHeader(
  key: EnvelopeKey,
  pack: PackSource,
  indexed: readonly PackedBlob[],
): string | undefined {
  const { sizeBytes } = pack;
  if (sizeBytes < packTrailerBytes) throw damaged('pack: too short');
  const trailer = pack.read(sizeBytes - packTrailerBytes, packTrailerBytes);
  const length = Math.min(sizeBytes, packHeaderBytes(trailer) + packTrailerBytes);
  const sealed = locatePackHeader(pack.read(sizeBytes - length, length));
  const entries = decodePackHeader(openView(key, sealed, 'pack header'));
  const last = entries.at(-1);
  const blobBytes = last === undefined ? 0 : last.offset + last.length;
  if (blobBytes + sealed.length + packTrailerBytes !== sizeBytes) {
    return 'its header does not account for all of its bytes';
  }
  const described = new Map(entries.map((entry) => [entry.offset, entry]));
  const isSame = (blob: PackedBlob) => {
    const entry = described.get(blob.offset);
    return (
      entry?.id === blob.id &&
      entry.type === blob.type &&
      entry.length === blob.length &&
      entry.uncompressedLength === blob.uncompressedLength
    );
  };
  if (entries.length !== indexed.length || !indexed.every(isSame)) {
    return 'its header and the index disagree';
  }
  return undefined;
}

function attempt(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch (error) {
    if (isLifeboatError(error, 'repository.damaged')) return error.message;
    throw error;
  }
}
