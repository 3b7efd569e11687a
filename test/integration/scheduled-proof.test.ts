import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoredProof } from '../../src/recovery/index.ts';
import { LocalLocation, openRepository } from '../../src/repository/index.ts';
import type { SegmentEntry } from '../../src/repository/log/manifest.ts';
import type { StoredLog } from '../../src/repository/log/stored-log.ts';
import { listPostgresSnapshots } from '../../src/sources/index.ts';
import { parseLsn, segmentName } from '../../src/wal/index.ts';
import { type Damage, damages, makeShop } from '../support/damage.ts';
import {
  ended,
  type Installation,
  installation,
  installationPassword,
} from '../support/installation.ts';
import { startPostgres, type TestServer, temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

type Record = { readonly [field: string]: unknown };
const isSoak = process.env.LIFEBOAT_SOAK !== undefined;

const segmentBytes = 16 * 1024 * 1024;

/** In short runs all damages meet one proof, which must name each; in long ones each has a proof of its own. */
describe.each(serversUnderTest(18))('a scheduled proof on $name', ({ bin, major, hasTools }) => {
  let server: TestServer;
  let place: Installation;
  let folder: string;
  const stack: AsyncDisposable[] = [];

  /** `serve`, and what it says from now on. */
  function serve() {
    const child = place.spawn('serve');
    const seen: Record[] = [];
    let rest = '';
    const waiting = new Set<() => void>();
    const closed = new Promise<never>((_, reject) => {
      child.once('close', () => reject(new Error(JSON.stringify(seen.slice(-5)))));
    });
    closed.catch(() => {});
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() as string;
      seen.push(...lines.map((line) => JSON.parse(line) as Record));
      for (const look of waiting) look();
    });
    const until = (matches: (record: Record) => boolean, from = 0) => {
      const found = new Promise<Record>((resolve) => {
        const look = () => {
          const one = seen.slice(from).find(matches);
          if (one === undefined) return;
          waiting.delete(look);
          resolve(one);
        };
        waiting.add(look);
        look();
      });
      return Promise.race([found, closed]);
    };
    /** The first proof that began after now. */
    const nextProof = async () => {
      const from = seen.length;
      await until(({ type }) => type === 'proof-started', from);
      const at = seen.findIndex(({ type }, index) => index >= from && type === 'proof-started');
      return await until(({ type }) => type === 'proof' || type === 'proof-failed', at);
    };
    return { until, nextProof, stop: () => ended(child, 'SIGTERM') };
  }

  beforeEach(async (context) => {
    const programs = need(context, bin, `no PostgreSQL ${major}`);
    folder = temporaryFolder('library');
    chmodSync(folder, 0o755);
    server = await startPostgres({ bin: programs, major });
    stack.push(server);
    await makeShop(server, folder);
    place = await installation({
      connection: server.url('shop'),
      programs,
      options: 'proofs: { schedule: "* * * * * *", validFor: 1d }\n',
    });
    stack.push(place);
  });
  afterEach(async () => {
    for (const each of stack.splice(0).toReversed()) await each[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  async function passesAtFirst(running: ReturnType<typeof serve>) {
    const first = await running.until(({ type }) => type === 'proof' || type === 'proof-failed');
    expect(first).toMatchObject({ type: 'proof', verdict: 'passed' });
    const before = await place.run('status');
    expect(before).toMatchObject({ exitCode: 0 });
    expect(before.records[0]).toMatchObject({
      proofs: {
        needsAttention: false,
        last: { verdict: 'passed' },
        passed: { isExpired: false },
      },
    });
  }

  async function turnsFromGreen(failure: string) {
    const after = await place.run('status');
    expect(after.exitCode).toBe(1);
    const failures = expect.arrayContaining([expect.stringContaining(failure)]);
    expect(after.records[0]).toMatchObject({
      proofs: { needsAttention: true, last: { verdict: 'failed', failures }, passed: {} },
    });
  }

  /** Proofs until one names all of them; what was written a moment ago reaches the repository a little later. */
  async function failsBy(running: ReturnType<typeof serve>, group: readonly Damage[]) {
    const wanted = group.filter(({ check }) => hasTools || check !== 'index-structure');
    for (;;) {
      const proof = await running.nextProof();
      const checks = proof.checks as StoredProof['checks'];
      const isNamed = ({ check, object, problem }: Damage) =>
        checks
          .filter((each) => each.check === check)
          .flatMap(({ problems }) => problems)
          .some((each) => object.test(each.object) && problem.test(each.problem));
      if (!wanted.every(isNamed)) continue;
      expect(proof).toMatchObject({ type: 'proof-failed', verdict: 'failed' });
      return;
    }
  }

  async function inject(group: readonly Damage[]) {
    for (const damage of group) await damage.inject(server, folder);
    if (group.some(({ isOnDisk }) => isOnDisk)) await place.run('backup');
  }

  /** Removes a segment that the newest snapshot needs, one before the last. Its name. */
  async function loseSegment(): Promise<string> {
    for (let made = 0; made < 3; made++) {
      await server.query(
        'create table if not exists more (id int); insert into more values (1)',
        'shop',
      );
      await server.query('select pg_switch_wal()');
    }
    const location = new LocalLocation(place.repositoryFolder);
    await using repository = await openRepository({ location, password: installationPassword });
    const log = repository.log('database') as StoredLog;
    const [newest] = await listPostgresSnapshots(repository, 'database');
    const from = parseLsn(newest?.info.stopLsn ?? '');
    const later = async () =>
      (await log.inventory()).segments
        .filter(({ lengthBytes, start }) => lengthBytes === segmentBytes && start > from)
        .toSorted((a, b) => (a.start < b.start ? -1 : 1));
    await expect.poll(async () => (await later()).length, { timeout: 60_000 }).toBeGreaterThan(1);
    const [gone] = (await later()) as [SegmentEntry];
    rmSync(join(place.repositoryFolder, 'lifeboat/data', gone.file.slice(0, 2), gone.file));
    return segmentName(1, gone.start, segmentBytes);
  }

  async function failsByMissingSegment(running: ReturnType<typeof serve>) {
    const name = await loseSegment();
    for (;;) {
      const { type, error } = (await running.nextProof()) as Record & {
        error?: { message: string };
      };
      if (type === 'proof' || error === undefined) continue;
      expect(error.message).toContain(`segment ${name} of the log`);
      return name;
    }
  }

  if (isSoak) {
    it.each(damages)('fails by name, and turns status from green: $name', async (damage) => {
      const running = serve();
      await passesAtFirst(running);
      await inject([damage]);
      await failsBy(running, [damage]);
      await turnsFromGreen(damage.check);
      expect(await running.stop()).toBe(0);
    });

    it('fails by name, and turns status from green: a missing segment', async () => {
      const running = serve();
      await passesAtFirst(running);
      await turnsFromGreen(await failsByMissingSegment(running));
      expect(await running.stop()).toBe(0);
    });
  } else {
    it('fails by the name of each damage, and turns status from green', async () => {
      const running = serve();
      await passesAtFirst(running);
      await inject(damages);
      await failsBy(running, damages);
      await turnsFromGreen('page-checksums: shop.public.sheets');
      await turnsFromGreen(await failsByMissingSegment(running));
      expect(await running.stop()).toBe(0);
    });
  }
});
