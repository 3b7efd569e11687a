import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lifeboat, spawnLifeboat, untilRecord } from '../support/command-line.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { embeddedPostgresBin } from '../support/programs.ts';
import { need } from '../support/skip.ts';

const programs = existsSync(embeddedPostgresBin()) ? embeddedPostgresBin() : undefined;

describe('lifeboat demo', () => {
  it('loses half a million rows, finds the transaction and puts every row back', async (context) => {
    need(context, programs, 'the npm package with PostgreSQL 18 is not installed');
    const { exitCode, records, stderr } = await lifeboat(['demo', '--json']);
    expect(stderr).toBe('');
    const summary = records.at(-1) as Record<string, unknown> & {
      tables: { missing: number; changed: number; unexpected: number; rowsFound: number }[];
    };
    expect(summary).toMatchObject({ type: 'demo', ok: true });
    expect(summary.rowsBefore).toBeGreaterThanOrEqual(500_000);
    expect(summary.rowsDestroyed).toBeGreaterThan(400_000);
    expect(summary.rowsRescued).toBe(summary.rowsDestroyed);
    expect(summary.xidFound).toBe(summary.xid);
    expect(summary.ordersMeanwhile).toBeGreaterThan(10);
    for (const table of summary.tables) {
      expect(table).toMatchObject({ missing: 0, changed: 0, unexpected: 0 });
    }
    const titles = records.filter(({ type }) => type === 'demo-step').map(({ title }) => title);
    expect(titles).toEqual([
      'start PostgreSQL',
      'open a shop',
      'create a repository',
      'stream the log',
      'base backup',
      'the accident',
      'find the loss',
      'rescue, dry run',
      'rescue',
      'compare',
    ]);
    expect(exitCode).toBe(0);
  });

  it('stopped in the middle leaves nothing behind', async (context) => {
    need(context, programs, 'the npm package with PostgreSQL 18 is not installed');
    const folder = temporaryFolder('demo');
    // The account that runs the server passes through it.
    chmodSync(folder, 0o755);
    const child = spawnLifeboat(['demo', '--json'], { env: { TMPDIR: folder } });
    const ended = new Promise((resolve) => child.once('close', resolve));
    await untilRecord(child, ({ title }) => title === 'stream the log');
    child.kill('SIGTERM');
    expect(await ended).toBe(130);
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  it('with --keep stays for exploring and goes away on Ctrl-C', async (context) => {
    need(context, programs, 'the npm package with PostgreSQL 18 is not installed');
    const child = spawnLifeboat(['demo', '--keep', '--json']);
    const ended = new Promise((resolve) => child.once('close', resolve));
    const kept = await untilRecord(child, ({ type }) => type === 'demo-kept');
    const configFile = kept.configFile as string;
    const run = (...args: string[]) => lifeboat([...args, '--config', configFile, '--json']);

    const points = await run('points');
    expect(points.records).toContainEqual(expect.objectContaining({ type: 'window' }));
    const loss = await run('find-loss');
    expect(loss.records).toContainEqual(
      expect.objectContaining({ type: 'suspect', kind: 'delete', action: 'rescue' }),
    );
    const check = await run('check', '--read-data');
    expect(check.records.at(-1)).toMatchObject({ type: 'check', errors: 0 });
    expect(check.exitCode).toBe(0);

    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(existsSync(dirname(configFile))).toBe(false);
  });
});
