// What `assess` says of replication, by real servers: who is connected, how far behind, whose slot has lost its log, and of a standby
// whether it still receives.
import { describe, expect, it } from 'vitest';
import { detailLines } from '../../src/cli/output/damage-details-text.ts';
import { createStyle } from '../../src/cli/output/style.ts';
import type { DamageReport, PostgresDamage } from '../../src/recovery/index.ts';
import { installation } from '../support/installation.ts';
import { startPostgres } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { startStandby } from '../support/standby.ts';

async function assess(connection: string, programs: string) {
  await using own = await installation({ connection, programs });
  const { records } = await own.run('assess', '--quick');
  const report = records.find(({ type }) => type === 'damage-report') as unknown as DamageReport;
  const [{ replication }] = report.sources as readonly [PostgresDamage];
  if (!replication.looked) throw new Error(`not looked at: ${replication.why}`);
  const findings = report.findings.filter(({ kind }) => kind === 'replication');
  return {
    found: replication.found,
    findings,
    text: detailLines(report, createStyle(process.stdout, { NO_COLOR: '1' })).join('\n'),
  };
}

describe.each(serversUnderTest(18))('replication of $name', ({ major, bin }) => {
  it('is told as the servers have it', async (context) => {
    const programs = need(context, bin, `no PostgreSQL ${major}`);
    const settings = { max_slot_wal_keep_size: '16MB' };
    await using primary = await startPostgres({ bin: programs, major, settings });
    await primary.query(`select pg_create_physical_replication_slot('reader', true)`);
    await using standby = await startStandby(primary);
    await expect
      .poll(async () => (await primary.query('select from pg_stat_replication')).rowCount)
      .toBe(1);
    const sound = await assess(primary.url(), programs);
    expect(sound.found).toMatchObject({
      isStandby: false,
      slots: [{ name: 'reader', type: 'physical', isActive: false, walStatus: 'reserved' }],
      standbys: [{ address: '127.0.0.1', state: 'streaming', syncState: 'async' }],
    });
    expect(sound.findings).toEqual([]);
    expect(sound.text).toContain('slot reader: nobody reads from it, reserved, holds');
    expect(sound.text).toMatch(/standby \S+: streaming, async, .* behind/);

    for (let each = 0; each < 4; each++) {
      await primary.query('select pg_logical_emit_message(false, $$test$$, $$x$$)');
      await primary.query('select pg_switch_wal()');
    }
    await primary.query('checkpoint');
    const lost = await assess(primary.url(), programs);
    expect(lost.findings).toMatchObject([
      {
        severity: 'medium',
        strength: 'certain',
        object: 'reader',
        text: 'the slot reader is lost: whoever reads from it has a gap',
      },
    ]);

    const there = await assess(standby.url(), programs);
    expect(there.found).toMatchObject({ isStandby: true, receives: { state: 'streaming' } });
    expect(there.findings).toEqual([]);
    expect(there.text).toMatch(/a standby: streaming, replayed to \w+\/\w+/);
    await primary.stop();
    await expect
      .poll(async () => (await standby.query('select from pg_stat_wal_receiver')).rowCount)
      .toBe(0);
    const alone = await assess(standby.url(), programs);
    expect(alone.findings).toMatchObject([
      {
        severity: 'low',
        text: 'this standby receives nothing from its primary (no receiver): it may be behind',
      },
    ]);
    await primary.start();
  });
});
