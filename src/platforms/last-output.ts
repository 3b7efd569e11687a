import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

type Stream = 'stdout' | 'stderr';

interface CollectOptions {
  readonly bytesMax: number;
  /** Called once for each stream that said more; the oldest of it is gone then. */
  readonly onTooMuch: () => void;
}

/** Takes what a program says, the newest of it. */
export interface LastOutput extends Disposable {
  /** As `stdio` of `spawn` takes them. */
  readonly stdout: 'pipe' | number;
  readonly stderr: 'pipe' | number;
  /** Of both streams, so far. */
  receivedBytes(): number;
  collect(stdout: Readable | null, stderr: Readable | null, options: CollectOptions): void;
  read(stream: Stream): string;
}

/** Through pipes, or through files without a name, which a program that is left running can go on writing to. */
export function lastOutput(inFiles: boolean): LastOutput {
  return inFiles ? outputInFiles() : outputInPipes();
}

function outputInPipes(): LastOutput {
  const tails: Record<Stream, Buffer[]> = { stdout: [], stderr: [] };
  let received = 0;
  const count = (chunk: Buffer) => {
    received += chunk.length;
  };
  return {
    stdout: 'pipe',
    stderr: 'pipe',
    collect(stdout, stderr, options) {
      if (stdout !== null) keepTail(stdout.on('data', count), tails.stdout, options);
      if (stderr !== null) keepTail(stderr.on('data', count), tails.stderr, options);
    },
    receivedBytes: () => received,
    read: (stream) => Buffer.concat(tails[stream]).toString(),
    [Symbol.dispose]() {},
  };
}

function keepTail(stream: Readable, chunks: Buffer[], options: CollectOptions): void {
  let bytes = 0;
  let isTooMuch = false;
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    while (bytes > options.bytesMax) {
      const first = chunks.shift() as Buffer;
      const over = bytes - options.bytesMax;
      bytes -= Math.min(first.length, over);
      if (first.length > over) chunks.unshift(first.subarray(over));
      if (!isTooMuch) options.onTooMuch();
      isTooMuch = true;
    }
  });
}

const bytesReadMax = 64 * 1024;

function outputInFiles(): LastOutput {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-output-'));
  const files = {
    stdout: openSync(join(folder, 'stdout'), 'wx+', 0o600),
    stderr: openSync(join(folder, 'stderr'), 'wx+', 0o600),
  };
  rmSync(folder, { recursive: true });
  return {
    ...files,
    receivedBytes: () => 0,
    collect() {},
    read(stream) {
      const { size } = fstatSync(files[stream]);
      const bytes = Buffer.alloc(Math.min(size, bytesReadMax));
      const read = readSync(files[stream], bytes, 0, bytes.length, size - bytes.length);
      return bytes.subarray(0, read).toString();
    },
    [Symbol.dispose]() {
      closeSync(files.stdout);
      closeSync(files.stderr);
    },
  };
}
