import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../../core/index.ts';
import { PageVerifier } from '../base-backup/page-checksum.ts';
import type { PageCheckAnswer, PageCheckRequest, PageCheckSetup } from './page-check-message.ts';

// The thread that reads files of pages and verifies their checksums. Takes one file after the other.

const pieceBytes = 1024 * 1024;
const attempts = 5;
const pauseMs = 100;

const port = parentPort;
assert(port !== null, 'pages are checked in a worker thread');
const { pageSizeBytes } = workerData as PageCheckSetup;
const verifier = new PageVerifier(pageSizeBytes);
const piece = new Uint8Array(pieceBytes);
const pausing = new Int32Array(new SharedArrayBuffer(4));

port.on('message', (request: PageCheckRequest) => {
  let answer: PageCheckAnswer;
  try {
    answer = checkFile(request);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    answer = { type: 'unreadable', code: code ?? message };
  }
  port.postMessage(answer);
});

function checkFile({ path, firstBlock }: PageCheckRequest): PageCheckAnswer {
  const file = openSync(path, 'r');
  try {
    const failed: number[] = [];
    let at = 0;
    for (;;) {
      const length = readSync(file, piece, 0, pieceBytes, at);
      const whole = length - (length % pageSizeBytes);
      if (whole === 0) break;
      const block = firstBlock + at / pageSizeBytes;
      const found = verifier.failures(piece.subarray(0, whole), block);
      failed.push(...found.filter((each) => isStillBad(file, each, firstBlock)));
      at += whole;
    }
    const torn = fstatSync(file).size % pageSizeBytes;
    return { type: 'checked', bytes: at, failed, ...(torn > 0 ? { restBytes: torn } : {}) };
  } finally {
    closeSync(file);
  }
}

/** A server at work may have been writing the page just then; damage stays. */
function isStillBad(file: number, block: number, firstBlock: number): boolean {
  const page = new Uint8Array(pageSizeBytes);
  const at = (block - firstBlock) * pageSizeBytes;
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (readSync(file, page, 0, pageSizeBytes, at) < pageSizeBytes) return false;
    if (verifier.failures(page, block).length === 0) return false;
    Atomics.wait(pausing, 0, 0, pauseMs);
  }
  return true;
}
