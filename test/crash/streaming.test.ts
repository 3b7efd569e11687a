// kill -9 at random moments of backup and streaming. The promises: what was ever reported to the server as
// flushed is restored by a machine that has only the repository; what was reported as written is restored
// where the spool survives; the repository always checks clean, for us and for stock restic.
import { type ChildProcess, execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { initRepository, LocalLocation } from '../../src/repository/index.ts';
import { lifeboat, spawnLifeboat } from '../support/command-line.ts';
import { startPostgres, type TestServer, temporaryFolder } from '../support/postgres.ts';
import { embeddedPostgresBin, findProgram, postgresBin } from '../support/programs.ts';
import { Ledger } from './ledger.ts';
import { readRestored } from './restored.ts';

const soak = process.env.LIFEBOAT_SOAK === '1';
const rounds = soak ? 8 : 2;
const killsPerRound = soak ? 25 : 5;

it(`keeps its promises through ${rounds * killsPerRound} rounds of kills`, async () => {
  const folder = temporaryFolder('crash');
  chmodSync(folder, 0o755);
  await using server = await startPostgres(newestServer());
  const ledger = await Ledger.open(server.url());
  const config = configure(folder, server);
  const seed = Number(process.env.LIFEBOAT_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const random = generator(seed);
  const command = (name: string, ...args: string[]) => [name, '--config', config, ...args];
  const running = new Set<ChildProcess>();
  const startProcess = (...args: string[]) => {
    const child = spawnLifeboat(command(args[0] as string, ...args.slice(1)));
    child.stdout?.resume();
    child.stderr?.resume();
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  };
  const killAll = async () => {
    const ends = [...running].map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(ends);
  };

  try {
    await using created = await initRepository({
      location: new LocalLocation(join(folder, 'repository')),
      password: new Secret('crash test'),
    });
    expect(created.id).toMatch(/^[0-9a-f]{64}$/);
    expect(await lifeboat(command('backup', 'database'))).toMatchObject({ exitCode: 0 });
    ledger.start();
    let kills = 0;
    for (let round = 0; round < rounds; round++) {
      for (let kill = 0; kill < killsPerRound; kill++) {
        startProcess('serve');
        if (random() < 0.5) startProcess('backup', 'database');
        // Once a round nothing is killed before a promise was made, however slow the machine is.
        if (kill === 0) await ledger.flushesMore();
        await pause(300 + random() * 2500);
        const alive = running.size;
        await killAll();
        kills += alive;
      }
      const promised = ledger.promised();
      const label = `seed ${seed}, round ${round}, ${kills} kills, promised ${JSON.stringify(promised)}`;

      // A machine that has only the repository.
      const elsewhere = join(folder, `elsewhere-${round}`);
      cpSync(join(folder, 'repository'), join(elsewhere, 'repository'), { recursive: true });
      const remote = configure(elsewhere, server);
      const onlyRepository = await readRestored(remote, join(elsewhere, 'restored'), server);
      expect(onlyRepository.missingBelow(promised.flushed), label).toEqual([]);

      // This machine, whose spool survived.
      const withSpool = await readRestored(config, join(folder, `restored-${round}`), server);
      expect(withSpool.missingBelow(promised.written), label).toEqual([]);

      expect(await lifeboat(command('check', '--read-data')), label).toMatchObject({ exitCode: 0 });
      stockRestic(join(elsewhere, 'repository'));
      expect(promised.flushed, label).toBeGreaterThan(0);
      expect(promised.written, label).toBeGreaterThanOrEqual(promised.flushed);
    }
    // Some find nothing alive.
    expect(kills).toBeGreaterThanOrEqual(0.9 * rounds * killsPerRound);
  } finally {
    await killAll();
    await ledger.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

function newestServer(): { bin: string; major: number } {
  const bin = postgresBin(18);
  return { bin: bin ?? embeddedPostgresBin(), major: 18 };
}

function configure(folder: string, server: TestServer): string {
  mkdirSync(join(folder, 'state'), { recursive: true });
  const password = join(folder, 'password');
  writeFileSync(password, 'crash test\n', { mode: 0o600 });
  const config = join(folder, 'lifeboat.yaml');
  writeFileSync(
    config,
    `name: crash
state: ${join(folder, 'state')}
repositories:
  main: { location: ${join(folder, 'repository')}, password: { file: ${password} } }
sources:
  database: { kind: postgres, connection: "${server.url()}", programs: ${server.bin} }
`,
  );
  return config;
}

/** The copy still has the locks of the killed processes; stock restic asks for `unlock` first. */
function stockRestic(repository: string): void {
  const restic = findProgram('restic-0.19') ?? findProgram('restic');
  if (!restic) return;
  const env = { ...process.env, RESTIC_PASSWORD: 'crash test' };
  const options = ['-r', repository, '--no-cache', '--quiet'];
  execFileSync(restic, [...options, 'unlock'], { env, stdio: 'pipe' });
  execFileSync(restic, [...options, 'check', '--read-data'], { env, stdio: 'pipe' });
}

/** Mulberry32: the kills of a failing run come again with LIFEBOAT_TEST_SEED. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
