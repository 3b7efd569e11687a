import { isLifeboatError } from '../../core/index.ts';
import { type EnvelopeKey, open } from '../crypto/envelope.ts';
import type { PackedBlob } from '../format/index-file.ts';
import { decodePackHeader, locatePackHeader, packTrailerBytes } from '../format/pack-header.ts';
import { sha256 } from '../stored-file.ts';
import { openVerifiedBlob } from './blob-codec.ts';
import type { PackProblem } from './worker-messages.ts';

/** Everything that can be wrong with a whole pack: name, header against the index, and every blob. */
export function checkPack(
  key: EnvelopeKey,
  name: string,
  bytes: Uint8Array,
  indexed: readonly PackedBlob[],
): readonly PackProblem[] {
  const problems: PackProblem[] = [];
  const headerProblem = attempt(() => checkHeader(key, bytes, indexed));
  if (headerProblem !== undefined) problems.push({ problem: headerProblem });
  for (const { id, type, offset, length, uncompressedLength } of indexed) {
    const problem = attempt(() => {
      openVerifiedBlob(key, bytes.subarray(offset, offset + length), uncompressedLength, id);
      return undefined;
    });
    if (problem !== undefined) problems.push({ blob: { id, type }, problem });
  }
  // As stock restic does, although every byte lies under a MAC: a name that is not the hash is a damage of its own.
  if (sha256(bytes) !== name) problems.unshift({ problem: 'its bytes do not match its name' });
  return problems;
}

function checkHeader(
  key: EnvelopeKey,
  bytes: Uint8Array,
  indexed: readonly PackedBlob[],
): string | undefined {
  const sealed = locatePackHeader(bytes);
  const entries = decodePackHeader(open(key, sealed, 'pack header'));
  const last = entries.at(-1);
  const blobBytes = last === undefined ? 0 : last.offset + last.length;
  if (blobBytes + sealed.length + packTrailerBytes !== bytes.length) {
    return 'its header does not account for all of its bytes';
  }
  const described = new Set(entries.map(describe));
  if (described.size !== indexed.length || indexed.some((blob) => !described.has(describe(blob)))) {
    return 'its header and the index disagree';
  }
  return undefined;
}

function describe(blob: PackedBlob): string {
  return [blob.id, blob.type, blob.offset, blob.length, blob.uncompressedLength].join(' ');
}

function attempt(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch (error) {
    if (isLifeboatError(error, 'repository.damaged')) return error.message;
    throw error;
  }
}
