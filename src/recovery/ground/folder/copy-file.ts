import { closeSync, constants, fstatSync, ftruncateSync, openSync } from 'node:fs';
import { copyFile, type FileHandle, open } from 'node:fs/promises';
import { nextData, nextHole } from '../../../sources/index.ts';

const pieceBytes = 1 << 20;

/** Content alone. Holes stay holes; where the file system can share blocks, nothing is copied. */
export async function copyFileContent(from: Buffer, to: Buffer): Promise<void> {
  const fd = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size, blocks } = fstatSync(fd);
    if (blocks * 512 >= size) {
      await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      return;
    }
  } finally {
    closeSync(fd);
  }
  await copySparse(from, to);
}

async function copySparse(from: Buffer, to: Buffer): Promise<void> {
  await using source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  await using copy = await open(to, 'wx', 0o600);
  const { size } = await source.stat();
  ftruncateSync(copy.fd, size);
  for (let at = nextData(source.fd, 0); at !== undefined && at < size; ) {
    const end = Math.min(nextHole(source.fd, at) ?? size, size);
    await copyRange(source, copy, at, end);
    at = nextData(source.fd, end);
  }
}

async function copyRange(
  source: FileHandle,
  copy: FileHandle,
  begin: number,
  end: number,
): Promise<void> {
  const piece = Buffer.allocUnsafe(Math.min(pieceBytes, end - begin));
  for (let at = begin; at < end; ) {
    const { bytesRead } = await source.read(piece, 0, Math.min(piece.length, end - at), at);
    if (bytesRead === 0) return;
    for (let written = 0; written < bytesRead; ) {
      const part = await copy.write(piece, written, bytesRead - written, at + written);
      written += part.bytesWritten;
    }
    at += bytesRead;
  }
}
