import { parentPort, workerData } from 'node:worker_threads';
import { assert, isLifeboatError } from '../../core/index.ts';
import { DeletedTuples, RowTally, TransactionIndex, WalReader } from '../../wal/index.ts';
import type { ScanAnswer, ScanRequest, ScanSetup, TouchedRows } from './scan-message.ts';

// The thread that decodes WAL, so that the event loop stays free. Takes pieces of the log in order.

const port = parentPort;
assert(port !== null, 'the scan runs in a worker thread');
const setup = workerData as ScanSetup;
const reader = new WalReader({
  startLsn: setup.start,
  systemId: setup.systemId,
  segmentSizeBytes: setup.segmentSizeBytes,
});
const index = setup.transaction || setup.tally ? undefined : new TransactionIndex(setup.index);
const tuples = setup.transaction ? new DeletedTuples(setup.transaction.xids) : undefined;
const tally = setup.tally ? new RowTally(setup.tally) : undefined;

port.on('message', (request: ScanRequest) => {
  let answer: ScanAnswer;
  try {
    answer = request.type === 'piece' ? take(request.bytes) : finish();
  } catch (error) {
    answer = {
      type: 'failed',
      code: isLifeboatError(error) ? error.code : 'bug',
      message: error instanceof Error ? error.message : String(error),
    };
  }
  port.postMessage(answer);
});

function take(bytes: Uint8Array): ScanAnswer {
  reader.push(bytes);
  for (let record = reader.next(); record !== undefined; record = reader.next()) {
    index?.add(record);
    tally?.add(record);
    if (!setup.transaction || record.start < setup.transaction.from) continue;
    if (record.start <= setup.transaction.commit) tuples?.add(record);
  }
  return { type: 'taken', invalid: reader.ended !== undefined };
}

function finish(): ScanAnswer {
  const { kind, at, why } = reader.finish();
  const rows: TouchedRows[] = (tuples?.finish() ?? []).map(
    ({ tablespace, database, filenode, deleted, updated, moved }) => ({
      tablespace,
      database,
      filenode,
      deleted: packed(deleted),
      updated: packed(updated),
      movedCount: moved.count,
    }),
  );
  return {
    type: 'finished',
    end: { kind, at: Number(at), why },
    transactions: index?.committed() ?? [],
    committedCount: index?.committedCount ?? 0,
    openCount: index?.openCount ?? 0,
    rows,
    ...(tally ? { tally: tally.finish() } : {}),
  };
}

function packed(list: { count: number; block(at: number): number; offset(at: number): number }) {
  return Float64Array.from(
    { length: list.count },
    (_, at) => list.block(at) * 0x1_0000 + list.offset(at),
  );
}
