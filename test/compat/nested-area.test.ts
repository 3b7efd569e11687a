import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { openLocation, openRepository } from '../../src/repository/index.ts';
import { bytesAt } from '../../src/repository/log/log-contract.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { startRestServer } from '../support/rest-server.ts';
import { need } from '../support/skip.ts';

/** Puts logs and records beside a repository that restic made; returns how to see that they are whole. */
async function live(location: string, restic: (...args: string[]) => string): Promise<void> {
  restic('init');
  const password = new Secret('secret');
  const open = () => openRepository({ location: openLocation(location), password });
  await using repository = await open();
  const log = repository.log('database');
  for (let at = 0; at < 70; at++) {
    await log.appendSegment('00000001', BigInt(at * 1000), bytesAt(BigInt(at * 1000), 1000));
  }
  await log.appendPiece('00000001', 70_000n, bytesAt(70_000n, 10));
  await repository.records.append({ kind: 'proof', source: 'database', body: { held: true } });

  restic('backup', '--host', 'h', '.');
  expect(restic('check', '--read-data')).toContain('no errors were found');
  expect(restic('snapshots', '--json').match(/"short_id"/g)).toHaveLength(1);
  restic('unlock', '--remove-all');

  await using other = await open();
  expect(await other.log('database').read('00000001', 0n, 70_010n)).toEqual(bytesAt(0n, 70_010));
  expect(await other.records.list()).toHaveLength(1);
}

describe.each(['restic-0.19', 'restic'])('%s', (program) => {
  const runner =
    (path: string, repository: string, folder: string) =>
    (...args: string[]) =>
      execFileSync(path, ['-r', repository, '--no-cache', ...args], {
        cwd: join(folder, 'files'),
        env: { ...process.env, RESTIC_PASSWORD: 'secret' },
        stdio: ['ignore', 'pipe', 'pipe'],
      }).toString();

  it('does not mind logs and records in a local repository, and leaves them alone', async (context) => {
    const path = need(context, findProgram(program), `no ${program} on PATH`);
    const folder = temporaryFolder('nested');
    mkdirSync(join(folder, 'files'));
    writeFileSync(join(folder, 'files', 'a'), 'a file');
    const repository = join(folder, 'repository');
    const restic = runner(path, repository, folder);
    await live(repository, restic);
    restic('forget', '--keep-last', '1', '--prune');
    expect(restic('check')).toContain('no errors were found');
    await using opened = await openRepository({
      location: openLocation(repository),
      password: new Secret('secret'),
    });
    expect(await opened.log('database').coverage()).toHaveLength(1);
    const { findings } = await opened.check({ readData: true });
    // The log has no base here, which is said; nothing is wrong.
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    rmSync(folder, { recursive: true, force: true });
  });

  it('does not mind them on an append-only server either', async (context) => {
    const path = need(context, findProgram(program), `no ${program} on PATH`);
    const server = need(context, findProgram('rest-server'), 'no rest-server on PATH');
    const folder = temporaryFolder('nested');
    mkdirSync(join(folder, 'files'));
    writeFileSync(join(folder, 'files', 'a'), 'a file');
    await using rest = await startRestServer(server, { appendOnly: true });
    const repository = `rest:${rest.url}/repository/`;
    await live(repository, runner(path, repository, folder));
    rmSync(folder, { recursive: true, force: true });
  });
});
