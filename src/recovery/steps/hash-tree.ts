import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { throwIfAborted } from '../../core/index.ts';

export interface TreeHashes {
  /** As `sha256sum` writes them, ended by a line end each, in the order of the bytes of their names. */
  readonly lines: readonly Buffer[];
  readonly bytes: number;
}

const slash = Buffer.from('/');

/** SHA-256 of every regular file below a folder; names are bytes, links are not followed. Errors: those of Node, `cancelled`. */
export async function hashTree(folder: string, signal?: AbortSignal): Promise<TreeHashes> {
  const lines: Buffer[] = [];
  let bytes = 0;
  const walk = async (path: Buffer, below: Buffer): Promise<void> => {
    const names = await readdir(path, { encoding: 'buffer' });
    for (const name of names.sort(Buffer.compare)) {
      throwIfAborted(signal);
      const inner = Buffer.concat([path, slash, name]);
      const shown = below.length === 0 ? name : Buffer.concat([below, slash, name]);
      const info = await lstat(inner);
      if (info.isDirectory()) await walk(inner, shown);
      if (!info.isFile()) continue;
      bytes += info.size;
      lines.push(lineOf(await hashFile(inner, signal), shown));
    }
  };
  await walk(Buffer.from(folder), Buffer.alloc(0));
  return { lines, bytes };
}

export async function hashFile(path: string | Buffer, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, ...(signal ? [{ signal }] : []));
  return hash.digest('hex');
}

/** A name with a line end or a backslash is escaped, and its line begins with a backslash, as `sha256sum -c` reads it. */
function lineOf(hash: string, name: Buffer): Buffer {
  const text = name.toString('latin1');
  const isPlain = !/[\\\n\r]/.test(text);
  const escaped = isPlain
    ? text
    : text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return Buffer.from(`${isPlain ? '' : '\\'}${hash}  ${escaped}\n`, 'latin1');
}
