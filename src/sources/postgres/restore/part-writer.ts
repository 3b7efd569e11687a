// The module that reader threads are started with to write a data directory: what was read is written where it was decoded.
import { closeSync, fchownSync, openSync, writeSync } from 'node:fs';
import { fileError, LifeboatError } from '../../../core/index.ts';
import type { BlobId, BlobReader } from '../../../repository/index.ts';
import type { FilePart, PartWriterSetup } from './file-part.ts';

interface Place {
  readonly file: OpenPart;
  readonly at: number;
}

interface OpenPart {
  readonly path: string;
  readonly fd: number;
}

/** See `ReaderModule` of the repository. A request is an array of parts. */
export function startReading(
  reader: BlobReader,
  setup: unknown,
): (request: unknown) => Promise<void> {
  const { account } = setup as PartWriterSetup;
  return (request) => writeParts(reader, request as readonly FilePart[], account);
}

/** Blobs that lie near each other are read together, whichever file they belong to. */
async function writeParts(
  reader: BlobReader,
  parts: readonly FilePart[],
  account: PartWriterSetup['account'],
): Promise<void> {
  const files: OpenPart[] = [];
  const places = new Map<BlobId, Place[]>();
  try {
    for (const part of parts) {
      const file = openPart(part, account);
      files.push(file);
      let at = part.start;
      for (const id of part.blobs) {
        const known = places.get(id);
        if (known) known.push({ file, at });
        else places.set(id, [{ file, at }]);
        at += reader.plainBytesOf('data', id) ?? 0;
      }
    }
    const ids = [...places.keys()];
    await reader.readBlobs('data', ids, (number, outcome) => {
      if (outcome instanceof LifeboatError) throw outcome;
      for (const place of places.get(ids[number] as BlobId) ?? []) writeAt(place, outcome);
    });
  } finally {
    for (const { fd } of files) closeSync(fd);
  }
}

function openPart({ path, isWhole }: FilePart, account: PartWriterSetup['account']): OpenPart {
  try {
    const fd = openSync(path, isWhole ? 'wx' : 'r+', 0o600);
    if (isWhole && account) fchownSync(fd, account.uid, account.gid);
    return { path, fd };
  } catch (error) {
    throw fileError(error, `could not write ${path}`);
  }
}

function writeAt({ file: { path, fd }, at }: Place, bytes: Uint8Array): void {
  try {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(fd, bytes, done, bytes.length - done, at + done);
    }
  } catch (error) {
    throw fileError(error, `could not write ${path}`);
  }
}
