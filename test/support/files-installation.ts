import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../../src/core/index.ts';
import type { DamageReport } from '../../src/recovery/index.ts';
import { initRepository, LocalLocation } from '../../src/repository/index.ts';
import { type InProcessResult, lifeboatInProcess } from './in-process.ts';
import { temporaryFolder } from './postgres.ts';

/** A configuration with one source of files, a repository, and the folder that is protected. */
export interface FilesInstallation extends AsyncDisposable {
  readonly config: string;
  readonly source: string;
  readonly repository: string;
  readonly stateFolder: string;
  /** In this process, with `--json`. */
  run(...args: string[]): Promise<InProcessResult>;
}

const password = 'a password of the tests';
/** `options`: more lines of the file. `PATH`: where programs are found. */
export async function filesInstallation(
  name: string,
  options = '',
  PATH = process.env.PATH ?? '',
): Promise<FilesInstallation> {
  const folder = temporaryFolder('files');
  const place = (each: string) => join(folder, each);
  const [config, source, repository] = [
    place('lifeboat.yaml'),
    place('files'),
    place('repository'),
  ];
  mkdirSync(source);
  writeFileSync(place('password'), `${password}\n`, { mode: 0o600 });
  writeFileSync(
    config,
    `name: test
state: ${place('state')}
repositories:
  main: { location: ${repository}, password: { file: ${place('password')} } }
sources:
  ${name}: { kind: files, paths: ['${source}'] }
${options}`,
  );
  const location = new LocalLocation(repository);
  await using _ = await initRepository({ location, password: new Secret(password) });
  return {
    config,
    source,
    repository,
    stateFolder: place('state'),
    run: (...args) =>
      lifeboatInProcess(
        [...args, '--config', config, '--json'],
        // What programs keep for themselves goes away with it.
        { PATH, HOME: folder },
        folder,
      ),
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What of its one service differs from what it was made of at the last backup, as `assess` says. */
export async function changesOf(own: FilesInstallation): Promise<readonly object[]> {
  const { records, stdout } = await own.run('assess', '--quick');
  if (stdout.includes('-secret')) throw new Error('a secret is told');
  const report = records.find(({ type }) => type === 'damage-report');
  const [service] = (report as unknown as DamageReport).services;
  if (!service?.baseline.looked) throw new Error(`not looked at: ${stdout}`);
  return service.baseline.found.changes;
}
