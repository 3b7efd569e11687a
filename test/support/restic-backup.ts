import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../../src/core/index.ts';
import { openLocation, openRepository, type Repository } from '../../src/repository/index.ts';
import { temporaryFolder } from './postgres.ts';

export const resticPassword = 'geheim';

/** A repository of stock restic, and a folder to work in beside it. */
export class ResticPlace implements Disposable {
  readonly folder = temporaryFolder('restic');
  readonly repository = join(this.folder, 'repository');
  readonly #program: string;

  constructor(program: string) {
    this.#program = program;
    this.run('init');
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Its standard output; anything but exit code 0 throws. */
  run(...args: string[]): string {
    return this.runBytes(...args).toString('utf8');
  }

  runBytes(...args: string[]): Buffer {
    const env = {
      ...process.env,
      RESTIC_PASSWORD: resticPassword,
      RESTIC_REPOSITORY: this.repository,
      RESTIC_CACHE_DIR: this.path('cache'),
    };
    const done = spawnSync(this.#program, args, { env, maxBuffer: 1 << 30 });
    if (done.status !== 0)
      throw new Error(`restic ${args.join(' ')}: ${done.stdout}${done.stderr}`);
    return done.stdout;
  }

  open(): Promise<Repository> {
    return openRepository({
      location: openLocation(this.repository),
      password: new Secret(resticPassword),
    });
  }

  [Symbol.dispose](): void {
    // Folders that their owner may not enter.
    spawnSync('chmod', ['-R', 'u+rwx', this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
