// Runs a restore, starts the server on what came out, and ends with its first answer: PORT BIN_FOLDER DATA_FOLDER ACCOUNT COMMAND [ARGUMENT ...]
// ACCOUNT `server`: the restore itself runs as the account of the server.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import pg from 'pg';
import { unprivileged } from '../test/support/postgres.ts';

const [port, bin, dataFolder, account, command, ...args] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  ...string[],
];
const restored = spawnSync(command, args, {
  stdio: ['ignore', 'ignore', 'inherit'],
  ...(account === 'server' ? unprivileged : {}),
});
if (restored.status !== 0) process.exit(1);

const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories='];
const server = spawn(
  join(bin, 'postgres'),
  ['-D', dataFolder, ...settings.flatMap((setting) => ['-c', setting])],
  { ...unprivileged, cwd: dataFolder, stdio: 'ignore' },
);
let hasEnded = false;
const ended = new Promise<void>((resolve) =>
  server.once('exit', () => {
    hasEnded = true;
    resolve();
  }),
);

/** Undefined: it does not answer yet. A server in recovery that answers only for reading is not there yet either. */
async function rows(): Promise<number | undefined> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: Number(port),
    user: 'postgres',
    database: 'postgres',
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query(
      'select pg_is_in_recovery() as recovering, count(*)::int as n from pgbench_branches',
    );
    return rows[0].recovering ? undefined : rows[0].n;
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => {});
  }
}

let found: number | undefined;
while (found === undefined && !hasEnded) {
  found = await rows();
  await new Promise((resolve) => setTimeout(resolve, 10));
}
server.kill('SIGQUIT');
await ended;
process.exit(found === undefined || found === 0 ? 1 : 0);
