import { readFileSync } from 'node:fs';
import { putRowsBack } from '../../src/recovery/index.ts';
import { parseConnectionUrl } from '../../src/sources/index.ts';

// A rescue in a process of its own, so that a test can kill it. Reads its work from the file it is given.
const work = JSON.parse(readFileSync(process.argv[2] as string, 'utf8'));
await putRowsBack({
  past: {
    connection: (database) => parseConnectionUrl(`${work.pastUrl}/${database}?sslmode=disable`),
  },
  live: parseConnectionUrl(work.liveUrl),
  destruction: work.destruction,
  conflictFolder: work.folder,
  name: 'killed',
});
