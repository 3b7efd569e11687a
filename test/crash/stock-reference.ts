import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { unprivileged } from '../support/postgres.ts';
import { startStock } from '../support/restored-server.ts';

const run = promisify(execFile);

/** What PostgreSQL's own tools make of the same server: pg_basebackup, pg_receivewal, and recovery to a position. */
export class StockReference implements AsyncDisposable {
  readonly #bin: string;
  readonly #folder: string;
  readonly #conninfo: string;
  #receiver: ChildProcess | undefined;
  #isStopped = false;
  #loop: Promise<void> = Promise.resolve();

  private constructor(bin: string, folder: string, conninfo: string) {
    this.#bin = bin;
    this.#folder = folder;
    this.#conninfo = conninfo;
  }

  /** `folder` does not exist yet. `conninfo` leads to whichever server can be written to. */
  static async start(bin: string, folder: string, conninfo: string): Promise<StockReference> {
    for (const each of [folder, join(folder, 'wal')]) {
      mkdirSync(each, { mode: 0o755 });
      if (unprivileged.uid !== undefined) {
        chownSync(each, unprivileged.uid, unprivileged.gid as number);
      }
    }
    const reference = new StockReference(bin, folder, conninfo);
    reference.#loop = reference.#receive();
    await reference.#baseBackup();
    return reference;
  }

  async #baseBackup(): Promise<void> {
    const args = ['-D', join(this.#folder, 'base'), '-d', this.#conninfo, '-X', 'none'];
    await run(join(this.#bin, 'pg_basebackup'), [...args, '--checkpoint=fast', '--no-sync'], {
      ...unprivileged,
      cwd: this.#folder,
    });
  }

  /** pg_receivewal goes on where it ended, on another server and timeline too. */
  async #receive(): Promise<void> {
    while (!this.#isStopped) {
      const args = ['-D', join(this.#folder, 'wal'), '-d', this.#conninfo, '--no-loop'];
      const child = spawn(join(this.#bin, 'pg_receivewal'), args, {
        ...unprivileged,
        cwd: this.#folder,
        stdio: 'ignore',
      });
      this.#receiver = child;
      await new Promise((resolve) => child.once('exit', resolve));
      if (!this.#isStopped) await pause(200);
    }
  }

  /** Ends the receiving. What was written until now must have arrived before: see `untilReceived`. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#receiver?.kill('SIGINT');
    await this.#loop;
  }

  /**
   * Replays one copy of the base to each of the positions, in ascending order, stopping just before them, and calls `look` with
   * its server there.
   */
  async replayTo(
    lsns: readonly string[],
    look: (lsn: string, query: Query) => Promise<void>,
  ): Promise<void> {
    const copy = join(this.#folder, 'copy');
    await run('cp', ['-a', join(this.#folder, 'base'), copy]);
    const script = join(this.#folder, 'fetch.sh');
    // The last segment is not whole yet.
    writeFileSync(
      script,
      `#!/bin/sh\ncp '${this.#folder}/wal/'"$1" "$2" 2>/dev/null || cp '${this.#folder}/wal/'"$1.partial" "$2"\n`,
    );
    chmodSync(script, 0o755);
    writeFileSync(join(copy, 'recovery.signal'), '');
    await this.#giveAway(copy);
    for (const lsn of lsns) {
      await using server = await startStock(this.#bin, copy, {
        restore_command: `${script} %f %p`,
        recovery_target_lsn: lsn,
        recovery_target_inclusive: 'off',
        recovery_target_action: 'pause',
        recovery_target_timeline: 'latest',
        primary_conninfo: '',
        hot_standby: 'on',
      });
      const query: Query = (sql) => server.query(sql).then(({ rows }) => rows);
      while (!(await query('select pg_is_wal_replay_paused() as paused'))[0]?.paused) {
        await pause(50);
      }
      await look(lsn, query);
    }
  }

  async #giveAway(folder: string): Promise<void> {
    if (unprivileged.uid === undefined) return;
    await run('chown', ['-R', `${unprivileged.uid}:${unprivileged.gid}`, folder]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export type Query = (sql: string) => Promise<readonly Record<string, unknown>[]>;
