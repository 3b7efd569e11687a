// The entry of a worker thread of a base backup: cuts, verifies and stores what it is given, with synchronous calls.
import { parentPort, workerData } from 'node:worker_threads';
import { assert, fileError, isLifeboatError } from '../../../core/index.ts';
import { type DataFolders, listDataFiles } from '../local-backup/list-data-files.ts';
import { PieceReader } from '../local-backup/piece-reader.ts';
import type { WorkerAnswer, WorkerRequest, WorkerSetup } from './piece.ts';
import { PieceSaver } from './piece-saver.ts';

assert(parentPort !== null, 'the piece worker runs in a worker thread');
const port = parentPort;
const setup = workerData as WorkerSetup;
const tell = (answer: WorkerAnswer) => port.postMessage(answer);
const saver = new PieceSaver(setup.sinks, setup.pageSizeBytes, (sink, failure) =>
  tell({ type: 'sink-failed', sink, failure }),
);
const reader = new PieceReader(saver, setup.pageSizeBytes);

port.on('message', (request: WorkerRequest) => {
  try {
    const answer = handle(request);
    if (answer) tell(answer);
  } catch (error) {
    const known = isLifeboatError(error);
    tell({
      type: 'failed',
      failure: {
        code: known ? error.code : 'bug',
        message: known ? error.message : error instanceof Error ? `${error.stack}` : `${error}`,
        hint: known ? error.hint : undefined,
      },
    });
  }
});

function handle(request: WorkerRequest): WorkerAnswer | undefined {
  switch (request.type) {
    case 'bytes': {
      const { job, slab, pieces } = request;
      const memory = typeof slab === 'number' ? setup.slabs[slab] : slab;
      assert(memory !== undefined, 'the slab is one of those that were given');
      let at = 0;
      const saved = pieces.map((piece) => {
        const bytes = new Uint8Array(memory, at, piece.lengthBytes);
        at += piece.lengthBytes;
        return saver.save(bytes, piece);
      });
      return { type: 'saved', job, pieces: saved };
    }
    case 'read':
      return {
        type: 'read',
        job: request.job,
        pieces: request.pieces.map((each) => reader.save(each)),
      };
    case 'list':
      return { type: 'listed', job: request.job, entries: listing(request.folders) };
    case 'tree':
      return { type: 'tree', job: request.job, id: saver.saveTree(request.tree) };
    case 'flush':
      saver.flush();
      return { type: 'flushed', job: request.job };
    case 'end':
      reader.close();
      saver.discard();
      port.close();
      return undefined;
  }
}

function listing(folders: DataFolders) {
  try {
    return listDataFiles(folders);
  } catch (error) {
    throw fileError(error, 'could not list the data directory');
  }
}
