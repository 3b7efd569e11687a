import { rmSync } from 'node:fs';
import { Secret } from '../../src/core/index.ts';
import { initRepository, LocalLocation, type Repository } from '../../src/repository/index.ts';
import { temporaryFolder } from './postgres.ts';

export const testPassword = 'correct horse';

export interface LocalRepository extends AsyncDisposable {
  readonly folder: string;
  readonly repository: Repository;
}

/** A new repository in a temporary folder. */
export async function localRepository(): Promise<LocalRepository> {
  const folder = temporaryFolder('repository');
  const location = new LocalLocation(folder);
  const repository = await initRepository({ location, password: new Secret(testPassword) });
  return {
    folder,
    repository,
    async [Symbol.asyncDispose]() {
      await repository[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
