import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Snapshot } from '../../src/repository/index.ts';
import { recoveryWindowChanges } from '../../src/sources/index.ts';
import { lifeboatInProcess } from '../support/in-process.ts';
import { postgresBin } from '../support/programs.ts';
import { need } from '../support/skip.ts';
import { type ProtectedServer, password, protectServer, source } from './protected-server.ts';

const major = 18;
const bin = postgresBin(major);
let live: ProtectedServer;

beforeAll(async () => {
  if (!bin) return;
  live = await protectServer({ bin, major });
  await live.server.query('create table ledger (id bigserial primary key, note text not null)');
  const finish = await live.stream();
  await live.backup();
  await live.server.query(`insert into ledger (note) values ('between')`);
  await live.backup();
  await live.server.query(`insert into ledger (note) values ('after')`);
  await finish();
});
afterAll(async () => {
  await live?.[Symbol.asyncDispose]();
});

it('before a base goes, forget shows what its source can be restored to before and after', async (context) => {
  need(context, bin, `no PostgreSQL ${major}`);
  const [newest, oldest] = (await live.repository.snapshots()) as [Snapshot, Snapshot];
  const { repository, location } = live;
  const [change, ...others] = await recoveryWindowChanges({ repository, removed: [oldest] });
  expect(others).toEqual([]);
  expect(change?.source).toBe(source);
  expect(change?.before[0]?.snapshots).toEqual([oldest.id, newest.id]);
  expect(change?.after[0]?.snapshots).toEqual([newest.id]);
  expect(change?.after[0]?.toLsn).toBe(change?.before[0]?.toLsn);
  expect(change?.after[0]?.from.getTime()).toBeGreaterThan(
    change?.before[0]?.from.getTime() as number,
  );
  const both = await recoveryWindowChanges({ repository, removed: [oldest, newest] });
  expect(both[0]?.after).toEqual([]);

  const environment = { LIFEBOAT_PASSWORD: password.reveal(), LIFEBOAT_REPOSITORY: location.path };
  const policy = ['forget', '--keep-last', '1', '--minimum', '1'];
  const dry = await lifeboatInProcess([...policy, '--dry-run'], environment);
  expect(dry.stdout).toMatch(/shop can be restored to\n {2}before .* \.\. .*\n {2}after .* \.\. /);
  expect(dry.stdout).toContain('of its recovery window would go');
  const done = await lifeboatInProcess([...policy, '--json'], environment);
  const told = done.records.map(({ type }) => type);
  expect(told.indexOf('window-change')).toBeLessThan(told.indexOf('forget'));
  expect(done.records.at(-1)).toMatchObject({ type: 'forget', removed: [oldest.id] });
  const none = await lifeboatInProcess([...policy, '--json'], environment);
  expect(none.records.map(({ type }) => type)).not.toContain('window-change');
});
