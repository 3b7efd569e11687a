import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lifeboat, spawnLifeboat, untilRecord } from '../support/command-line.ts';
import { ended } from '../support/installation.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { shopPlatform } from '../support/shop-platform.ts';

// Goal: `init --yes` on a machine with the shop in Docker, and the commands that its screen has, are all that two recoveries need: of
// rows that were deleted, and of everything after `docker compose down -v`.

const typed = [
  ...['database', 'uploads', 'postgres', 'isolated', 'cleared', 'ready', 'done', 'started'],
  ...['changed', 'freeze', 'stop-database', 'start-database', 'start-api', hostname()],
].flatMap((each) => ['--yes', each]);

const word = 'correct horse battery';

it('leads from a running shop to its recovery', async (context) => {
  await using shop = await shopPlatform(context, 'init-soak');
  const { project, docker } = shop;
  const folder = temporaryFolder('init-docker');
  const run = async (...args: string[]) => {
    const result = await lifeboat([...args, '--json'], { cwd: folder });
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    return result;
  };
  try {
    const { records } = await run('init', '--yes', '--docker', project, '--location', 'repository');
    const made = records.find(({ type }) => type === 'init') as {
      roleSql: string[];
      hbaLines: string[];
    };
    // What the test cannot wait for: the configuration stays as it was written.
    appendFileSync(
      join(folder, 'lifeboat.yaml'),
      `state: ${folder}/state\nrecovery: { watch: 1s, keepFormer: 1s }\n`,
    );
    // As the screen says: the role, its lines of pg_hba.conf, and the password in a file. The lines of the shop trust everybody.
    const isFor13 = (sql: string) => sql.includes('ON ALL TABLES');
    for (const sql of made.roleSql) {
      if (!/^(--|\\)/.test(sql) && !isFor13(sql)) await shop.query(sql);
    }
    await shop.query(`alter role lifeboat password '${word}'`);
    const others = ['replication', 'all'].map((each) => `host ${each} lifeboat all reject`);
    const lines = [...made.hbaLines, ...others].map((line) => `"${line}"`).join(' ');
    const hba = '/var/lib/postgresql/data/pg_hba.conf';
    await docker.docker(
      ...['exec', `${project}-db-1`, 'sh', '-c'],
      `printf "%s\\n" ${lines} >/tmp/hba && cat ${hba} >>/tmp/hba && cat /tmp/hba >${hba}`,
    );
    await shop.query('select pg_reload_conf()');
    writeFileSync(join(folder, 'database.password'), `${word}\n`, { mode: 0o600 });
    const file = join(folder, 'lifeboat.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/# (password: \{ file: \S*database\.password \})/, '$1'));

    for (let at = 1; at <= 20; at++) {
      await shop.post('/orders', { email: `user${at % 5}@example.com`, note: `order ${at}` });
      await shop.post('/uploads', { name: `${at}.txt`, text: `file ${at}\n`.repeat(at * 100) });
    }
    await run('doctor');
    await run('services');
    const serve = spawnLifeboat(['serve', '--json'], { cwd: folder });
    try {
      await untilRecord(serve, ({ type, phase }) => type === 'stream' && phase === 'streaming');
      for (const source of ['database', 'uploads']) await run('backup', source);
      await run('plan', 'database', '--drill', '--method', 'full-restore');
      const content = async () => ({
        orders: (await shop.query('select * from orders order by id')).rows,
        users: (await shop.query('select * from users order by id')).rows,
        uploads: await shop.uploads(),
      });
      const untilStored = async () => {
        const { rows } = await shop.query('select pg_switch_wal() as lsn');
        const stored = `select 1 from pg_stat_replication where flush_lsn >= '${rows[0].lsn}'`;
        while ((await shop.query(stored)).rows.length === 0) {
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      };

      const before = await content();
      await shop.query('delete from orders');
      await untilStored();
      const deletion = ['--type', 'accidental-deletion', '--title', 'the orders are gone'];
      const rescued = await run('recover', 'database', ...deletion, '--severity', 'P1', ...typed);
      expect(rescued.records.find(({ type }) => type === 'plan')).toMatchObject({
        method: 'rescue-rows',
      });
      expect(await content()).toEqual(before);

      await run('incident', 'close', '--summary', 'the orders are back');

      await shop.post('/orders', { email: 'late@example.com', note: 'after the first recovery' });
      await untilStored();
      const last = await content();
      await shop.compose('down', '--volumes', '--timeout', '2');
      const whole = await run(
        'recover',
        '--title',
        'the shop is gone',
        '--severity',
        'P0',
        ...typed,
      );
      expect(whole.records.find(({ type }) => type === 'run-done')).toMatchObject({
        phase: 'done',
      });
      await shop.untilHealthy();
      expect(await content()).toEqual(last);
    } finally {
      await ended(serve, 'SIGTERM');
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
