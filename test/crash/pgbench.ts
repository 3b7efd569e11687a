import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Query } from './stock-reference.ts';

const run = promisify(execFile);

/** Stock pgbench, begun again whenever the server takes it down. */
export class Pgbench implements AsyncDisposable {
  readonly #bin: string;
  readonly #conninfo: string;
  #child: ChildProcess | undefined;
  #isStopped = false;
  #loop: Promise<void> = Promise.resolve();

  private constructor(bin: string, conninfo: string) {
    this.#bin = bin;
    this.#conninfo = conninfo;
  }

  static async start(
    bin: string,
    conninfo: string,
    options: { readonly scale: number; readonly clients: number },
  ): Promise<Pgbench> {
    const pgbench = new Pgbench(bin, conninfo);
    const init = ['-i', '-s', String(options.scale), '-q', '-d', conninfo];
    await run(join(bin, 'pgbench'), init);
    pgbench.#loop = pgbench.#work(options.clients);
    return pgbench;
  }

  async #work(clients: number): Promise<void> {
    while (!this.#isStopped) {
      const args = ['-n', '-c', String(clients), '-T', '100000', '-d', this.#conninfo];
      const child = spawn(join(this.#bin, 'pgbench'), args, { stdio: 'ignore' });
      this.#child = child;
      await new Promise((resolve) => child.once('exit', resolve));
      if (!this.#isStopped) await pause(200);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#child?.kill('SIGTERM');
    await this.#loop;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A checksum of every row of every table that pgbench writes to, as one text. */
export async function contentOf(query: Query): Promise<string> {
  const found: string[] = [];
  for (const table of ['accounts', 'branches', 'tellers', 'history']) {
    const [row] = await query(
      `select count(*)::text as n, md5(coalesce(string_agg(t::text, E'\\n' order by t::text), '')) as md5 from pgbench_${table} t`,
    );
    found.push(`${table} ${row?.n} ${row?.md5}`);
  }
  return found.join(', ');
}
