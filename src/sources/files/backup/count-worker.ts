// The entry of the thread that counts what a first backup will meet.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { ScanSetup } from './backup-meter.ts';
import { scanTree } from './scan-tree.ts';

/** The backup itself comes first. Linux alone gives threads priorities of their own. */
const niceness = 10;
try {
  setPriority(Number(basename(readlinkSync('/proc/thread-self'))), niceness);
} catch {}
const { paths, rules } = workerData as ScanSetup;
parentPort?.postMessage(scanTree(paths, rules));
