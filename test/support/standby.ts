import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestServer } from './postgres.ts';
import { type StockServer, startStock } from './restored-server.ts';

/** A standby that streams from the server; the server is stopped for the copy and started again. Removed with the server's folder. */
export async function startStandby(primary: TestServer, name = 'standby'): Promise<StockServer> {
  const folder = join(dirname(primary.dataFolder), name);
  await primary.stop();
  execFileSync('cp', ['-a', primary.dataFolder, folder]);
  await primary.start();
  writeFileSync(join(folder, 'standby.signal'), '');
  // Those that a standby must have no less of.
  writeFileSync(
    join(folder, 'postgresql.auto.conf'),
    'max_connections = 40\nmax_wal_senders = 8\nmax_replication_slots = 8\n',
  );
  return await startStock(primary.bin, folder, {
    primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres`,
  });
}
