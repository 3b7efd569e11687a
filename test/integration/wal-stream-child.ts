// A streamer of its own process, to be killed: node wal-stream-child.ts URL FOLDER
import { join } from 'node:path';
import { parseConnectionUrl } from '../../src/sources/postgres/connection-url.ts';
import { streamWal } from '../../src/sources/postgres/stream/stream-wal.ts';
import { openFolderLog, slot } from './wal-stream-scene.ts';

const [url, folder] = process.argv.slice(2) as [string, string];
await streamWal({
  source: 'scene',
  settings: parseConnectionUrl(url),
  slot,
  log: openFolderLog(folder),
  spoolFolder: join(folder, 'spool'),
  signal: new AbortController().signal,
  onState: () => {},
  limits: { pieceIntervalMs: 100 },
});
