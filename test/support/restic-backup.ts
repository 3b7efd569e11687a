import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../../src/core/index.ts';
import { openLocation, openRepository, type Repository } from '../../src/repository/index.ts';
import { temporaryFolder } from './postgres.ts';

const password = 'geheim';

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

  /** Its standard output; fails unless restic ends with one of `codes`. */
  run(...args: string[]): string {
    const env = {
      ...process.env,
      RESTIC_PASSWORD: password,
      RESTIC_REPOSITORY: this.repository,
      RESTIC_CACHE_DIR: this.path('cache'),
    };
    const done = spawnSync(this.#program, args, { env, maxBuffer: 1 << 30 });
    if (done.status !== 0)
      throw new Error(`restic ${args.join(' ')}: ${done.stdout}${done.stderr}`);
    return done.stdout.toString('utf8');
  }

  open(): Promise<Repository> {
    return openRepository({
      location: openLocation(this.repository),
      password: new Secret(password),
    });
  }

  [Symbol.dispose](): void {
    // Folders that their owner may not enter.
    spawnSync('chmod', ['-R', 'u+rwx', this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
