import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { type InProcessResult, lifeboatInProcess } from './in-process.ts';
import type { TestServer } from './postgres.ts';

/** What a freeze changes of a server, byte for byte. */
export async function rightsOf(server: TestServer): Promise<unknown> {
  const databases = await server.query(
    `select oid, datname, datacl::text, datconnlimit, datallowconn from pg_database order by oid`,
  );
  const settings = await server.query(
    'select setdatabase, setrole, setconfig from pg_db_role_setting order by 1, 2',
  );
  return { databases: databases.rows, settings: settings.rows };
}

/** YAML of a service whose running is a file in the folder; what is done to it is a line of `calls`. */
export function fileService(folder: string, name: string, more = ''): string {
  const mark = join(folder, `${name}.running`);
  const act = (what: string, command: string) =>
    `[sh, -c, 'echo ${what} ${name} >> ${join(folder, 'calls')}; ${command}']`;
  return `  ${name}: { platform: shell, stop: ${act('stop', `rm -f ${mark}`)}, start: ${act('start', `touch ${mark}`)}, isRunning: [test, -e, ${mark}]${more} }\n`;
}

export function runs(folder: string, name: string): boolean {
  return existsSync(join(folder, `${name}.running`));
}

export function setRunning(folder: string, ...names: readonly string[]): void {
  for (const name of names) writeFileSync(join(folder, `${name}.running`), '');
}

/** What was done to services since the last call. */
export function takeCalls(folder: string): readonly string[] {
  const path = join(folder, 'calls');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  writeFileSync(path, '');
  return lines;
}

/** A client that connects, writes a row, and comes back at once whatever happens: a pooler in front of an application. */
export class PersistentWriter {
  readonly #url: string;
  #stopped = false;
  #done: Promise<void>;
  written = 0;
  refused = 0;

  constructor(url: string) {
    this.#url = url;
    this.#done = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const client = new pg.Client({ connectionString: this.#url, application_name: 'pooler' });
      client.on('error', () => {});
      try {
        await client.connect();
        while (!this.#stopped) {
          await client.query('insert into orders default values');
          this.written++;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      } catch {
        this.refused++;
        await new Promise((resolve) => setTimeout(resolve, 50));
      } finally {
        await client.end().catch(() => {});
      }
    }
  }

  /** Waits until it has written, or was refused, a few times more. */
  async until(what: 'written' | 'refused', times: number): Promise<void> {
    const wanted = this[what] + times;
    while (this[what] < wanted) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }
}

/** The command line of an installation, in this process. */
export function commandsOf(place: { readonly folder: string }, note?: string) {
  const config = join(place.folder, 'lifeboat.yaml');
  return async (command: string, ...args: readonly string[]): Promise<InProcessResult> => {
    const result = await lifeboatInProcess([command, ...args, '--config', config, '--json'], {
      PATH: process.env.PATH ?? '',
      LIFEBOAT_CACHE_FOLDER: 'off',
    });
    if (note) appendFileSync(note, `${command}: ${result.stdout}${result.stderr}\n`);
    return result;
  };
}
