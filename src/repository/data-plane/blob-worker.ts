// The entry of a worker thread: hashes, packs, decodes and checks blobs, and seals and opens the large files of
// logs, with synchronous calls.
import { parentPort, workerData } from 'node:worker_threads';
import { assert, isLifeboatError, LifeboatError } from '../../core/index.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import { openNamedFile, sealFile } from '../log/nested-file.ts';
import { nestedKeys } from '../log/nested-keys.ts';
import type { BlobId, BlobType } from '../repository.ts';
import { sha256 } from '../stored-file.ts';
import { decodeBlobs } from './blob-decoder.ts';
import { unpackBlobList } from './blob-list.ts';
import { checkPack } from './pack-check.ts';
import { inMemory, PackSession } from './pack-session.ts';
import { type PackSource, packInMemory, withPackFile } from './pack-source.ts';
import { repackBlobs } from './repack-blobs.ts';
import { resealBlobs } from './reseal-blobs.ts';
import { readReferences } from './tree-reader.ts';
import type { PackMessage, WorkerAnswer, WorkerRequest, WorkerSetup } from './worker-messages.ts';

interface KeptBlobs {
  readonly type: BlobType;
  readonly ids: readonly BlobId[];
  readonly blobs: readonly Uint8Array[];
}

const { masterKey } = workerData as WorkerSetup;
const key: EnvelopeKey = { ...masterKey };
const keys = nestedKeys(key);
const kept = new Map<number, KeptBlobs>();
const sessions = new Map<number, PackSession<Uint8Array<ArrayBuffer>>>();
const spareBuffers: ArrayBuffer[] = [];
const maxSpareBuffers = 2;

assert(parentPort !== null, 'the blob worker runs in a worker thread');
const port = parentPort;

port.on('message', (request: WorkerRequest) => {
  try {
    const answer = handle(request);
    if (answer === undefined) return;
    port.postMessage(answer, buffersOf(answer));
  } catch (error) {
    if ('job' in request) fail(request.job, error);
  }
});

function handle(request: WorkerRequest): WorkerAnswer | undefined {
  switch (request.type) {
    case 'hash': {
      const ids = request.blobs.map((blob) => sha256(blob) as BlobId);
      kept.set(request.job, { type: request.blobType, ids, blobs: request.blobs });
      return { type: 'hashed', job: request.job, ids };
    }
    case 'store': {
      const { type, ids, blobs } = kept.get(request.hashed) as KeptBlobs;
      kept.delete(request.hashed);
      const session = sessionFor(request.session);
      for (const [number, isWanted] of request.wanted.entries()) {
        if (isWanted) session.add(type, ids[number] as BlobId, blobs[number] as Uint8Array);
      }
      return { type: 'stored', job: request.job };
    }
    case 'reseal': {
      const problems = resealBlobs(request, sessionFor(request.session));
      return { type: 'resealed', job: request.job, problems };
    }
    case 'flush':
      sessions.get(request.session)?.flush();
      return { type: 'flushed', job: request.job };
    case 'end':
      port.close();
      return undefined;
    case 'close':
      sessions.delete(request.session);
      return undefined;
    case 'recycle':
      if (spareBuffers.length < maxSpareBuffers) spareBuffers.push(request.buffer);
      return undefined;
    case 'decode': {
      const plain = decodeBlobs(key, request.pieces, request.blobs, request.plainBytes);
      return { type: 'decoded', job: request.job, plain };
    }
    case 'references': {
      const references = readReferences(key, request);
      return { type: 'references', job: request.job, references };
    }
    case 'checkPack': {
      const { name, from, blobs } = request;
      const check = (pack: PackSource) => checkPack(key, name, pack, unpackBlobList(blobs));
      const problems =
        'bytes' in from ? check(packInMemory(from.bytes)) : withPackFile(from.file, check);
      return { type: 'checked', job: request.job, problems };
    }
    case 'repack':
      return {
        type: 'repacked',
        job: request.job,
        pack: repackBlobs(key, request.pieces, request.blobs),
      };
    case 'sealNested': {
      const sealed = sealFile(keys[request.folder], request.header, request.payload);
      return { type: 'nestedSealed', job: request.job, sealed };
    }
    case 'openNested': {
      const { folder, name, bytes, room } = request;
      const opened = openNamedFile(keys[folder], folder, name, bytes, room);
      return { type: 'nestedOpened', job: request.job, opened };
    }
    default:
      // Nobody would ever answer it, and the sender would wait for ever.
      throw unknown(request);
  }
}

/** Threads start when they are needed: by then an upgrade may have put another version of this file here. */
function unknown(request: never): LifeboatError {
  const { type } = request as { readonly type: string };
  return new LifeboatError('bug', `a worker was asked for ${type}, which it does not know`, {
    hint: 'Was Lifeboat upgraded while it ran? Start it again.',
  });
}

/** What is given away with an answer. Small bytes may be views of a buffer that Node shares: those are copied. */
function buffersOf(answer: WorkerAnswer): ArrayBuffer[] {
  if (answer.type === 'decoded') return [answer.plain.buffer as ArrayBuffer];
  if (answer.type === 'repacked') return [answer.pack.bytes.buffer];
  if (answer.type === 'nestedSealed') return [answer.sealed.bytes.buffer as ArrayBuffer];
  if (answer.type !== 'nestedOpened' || answer.opened.payload.length < Buffer.poolSize) return [];
  return [answer.opened.payload.buffer as ArrayBuffer];
}

function sessionFor(number: number): PackSession<Uint8Array<ArrayBuffer>> {
  let session = sessions.get(number);
  if (session === undefined) {
    session = new PackSession(key, inMemory(spareBuffers), ({ name, blobs, content: bytes }) => {
      const message: PackMessage = { type: 'pack', session: number, pack: { name, blobs }, bytes };
      port.postMessage(message, [bytes.buffer]);
    });
    sessions.set(number, session);
  }
  return session;
}

function fail(job: number, error: unknown): void {
  const known = isLifeboatError(error);
  const message: WorkerAnswer = {
    type: 'failed',
    job,
    code: known ? error.code : 'bug',
    message: error instanceof Error ? error.message : String(error),
    hint: known ? error.hint : undefined,
    context: known ? error.context : {},
  };
  port.postMessage(message);
}
