import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { filesIn } from './source-tree.ts';

const fileBytes = 512 * 1024 * 1024;
const pieceBytes = 64 * 1024;

/** Files of 512 MiB; every second 64 KiB is random, the others are words in random order: about half compressible. */
export function makeLargeFiles(folder: string, bytes: number): void {
  mkdirSync(folder, { recursive: true });
  const words = Array.from({ length: 4096 }, () =>
    randomBytes(2 + Math.floor(Math.random() * 5)).toString('base64'),
  );
  for (let made = 0, number = 0; made < bytes; number++) {
    const fd = openSync(join(folder, `large-${number}`), 'w');
    for (let at = 0; at < fileBytes && made < bytes; at += pieceBytes, made += pieceBytes) {
      writeSync(fd, (at / pieceBytes) % 2 === 0 ? randomBytes(pieceBytes) : text(words));
    }
    closeSync(fd);
  }
}

function text(words: readonly string[]): Buffer {
  const picks = randomBytes(pieceBytes);
  let line = '';
  for (let i = 0; line.length < pieceBytes; i += 2) {
    line += `${words[picks.readUInt16LE(i % (pieceBytes - 2)) % words.length]} `;
  }
  return Buffer.from(line.slice(0, pieceBytes));
}

/** Overwrites 5 % of every file in pieces of 1 MiB, spread evenly. */
export function changeLargeFiles(folder: string): void {
  const piece = 1024 * 1024;
  for (const path of filesIn(folder)) {
    const fd = openSync(path, 'r+');
    for (let at = 0; at < fileBytes; at += 20 * piece)
      writeSync(fd, randomBytes(piece), 0, piece, at);
    closeSync(fd);
  }
}
