// The entry of a worker thread of a backup of files: does everything with synchronous calls.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { assert } from '../../../core/index.ts';
import {
  type BlobId,
  BlobSink,
  createRabinCutter,
  type SinkGrant,
} from '../../../repository/thread.ts';
import { OwnerTexts } from './accounts.ts';
import { ContentSaver } from './content-saver.ts';
import { Counter } from './counts.ts';
import { EntryNodes } from './entry-node.ts';
import { EntryFilter } from './entry-rules.ts';
import { Exchange } from './exchange.ts';
import { FileSaver } from './file-saver.ts';
import { SharedContent } from './shared-content.ts';
import { TreeSaver } from './tree-saver.ts';
import { failureMessage } from './worker-failure.ts';
import type { MainMessage, WorkerSetup } from './worker-messages.ts';

assert(parentPort !== null, 'the tree worker runs in a worker thread');
const port = parentPort;
const setup = workerData as WorkerSetup;
const sent = new Int32Array(setup.suppliesSent);
let taken = 0;
const tell = (message: MainMessage) => port.postMessage(message);

try {
  run();
  tell({ type: 'ended' });
} catch (error) {
  tell(failureMessage(error));
}

function run(): void {
  const { number, rules, accounts } = setup;
  const grant = fromMain() as SinkGrant | undefined;
  if (grant === undefined) return;
  const sink = new BlobSink(grant);
  const exchange = new Exchange(number, setup.ports, setup.exchange);
  const counter = new Counter(setup.counts);
  const { rabinPolynomial } = setup.rules;
  const cutter =
    rabinPolynomial === undefined ? sink.createCutter() : createRabinCutter(rabinPolynomial);
  const shared = new SharedContent(number, exchange);
  const contents = new ContentSaver({
    sink,
    cutter,
    shared,
    onRead: (bytes) => counter.add('bytesRead', bytes),
    onSaved: (bytes) => {
      counter.bytesUnderWay += bytes;
    },
  });
  const saver = new TreeSaver({
    number,
    exchange,
    sink,
    nodes: new EntryNodes(new OwnerTexts(accounts), rules),
    files: new FileSaver(contents, { rereads: rules.rereads }),
    contents,
    shared,
    filter: new EntryFilter(rules),
    counter,
    oneFileSystem: rules.oneFileSystem,
    isCopy: rules.isCopy ?? false,
    readTree: (id) => asBuffer(readHere(sink, id) ?? askForTree(id)),
    onCheckpoint: (checkpoint, trees) => tell({ type: 'checkpoint', number: checkpoint, trees }),
    warn: (path, problem, isStored) => tell({ type: 'warning', path, problem, isStored }),
  });
  try {
    saver.serve();
    sink.flush();
  } finally {
    sink.discard();
  }
}

/** Out of a local repository. What goes wrong here the main thread meets again, and reports. */
function readHere(sink: BlobSink, id: BlobId): Uint8Array | undefined {
  try {
    return sink.readTree(id);
  } catch {
    return undefined;
  }
}

/** From the main thread, which reads it wherever the repository lies. */
function askForTree(id: BlobId): Uint8Array | undefined {
  tell({ type: 'wantTree', id });
  return fromMain() as Uint8Array | undefined;
}

/** What the main thread sends next: what it takes to store, then the trees that were asked for. */
function fromMain(): unknown {
  while (Atomics.load(sent, 0) === taken) Atomics.wait(sent, 0, taken, 1000);
  taken++;
  const received = receiveMessageOnPort(setup.supplyPort) as { message: unknown } | undefined;
  return received?.message;
}

function asBuffer(bytes: Uint8Array | undefined): Buffer | undefined {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
