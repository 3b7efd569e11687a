import { chmodSync, existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StoredProof } from '../../src/recovery/index.ts';
import { damages, makeShop } from '../support/damage.ts';
import { installation } from '../support/installation.ts';
import { startPostgres, type TestServer, temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const checks = `, checks: [
      { name: customers, sql: "select count(*) from customers;", atLeast: 400, dropAtMost: 10% },
      { name: fresh, sql: "select now()", notOlderThan: 1h },
      { name: named, sql: "select name from customers where id = 1", equals: customer 1 } ]`;

async function scene(major: number, bin: string) {
  await using stack = new AsyncDisposableStack();
  const folder = temporaryFolder('library');
  chmodSync(folder, 0o755);
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const server = stack.use(await startPostgres({ bin, major }));
  await makeShop(server, folder);
  const connection = server.url('shop');
  const place = stack.use(await installation({ connection, programs: bin, sourceOptions: checks }));
  const prove = async (...args: string[]) => {
    const result = await place.run('prove', ...args);
    const proof = result.records.find(({ type }) => type === 'proof') as unknown as StoredProof;
    expect(proof, result.stderr + result.stdout).toBeDefined();
    return { exitCode: result.exitCode, proof };
  };
  const kept = stack.move();
  return { server, place, folder, prove, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const find = (proof: StoredProof, check: string) =>
  proof.checks.find((each) => each.check === check) as StoredProof['checks'][number];

async function sound(server: TestServer): Promise<void> {
  await server.query(
    `alter table orders add constraint late foreign key (total) references customers not valid;
     create table "Odd ""one""" (a int, b int, unique (a, b));
     create table "odd child" (a int, b int, foreign key (a, b) references "Odd ""one""" (a, b) match full);
     insert into "Odd ""one""" values (1, 2); insert into "odd child" values (1, 2), (null, null);
     create table codes (code text collate "C" primary key); insert into codes values ('a');
     create table uses (code text collate "POSIX" references codes); insert into uses values ('a'), (null);
     create table parts (id int primary key) partition by range (id);
     create table low partition of parts for values from (0) to (100);
     create table pieces (part int references parts); insert into parts values (1); insert into pieces values (1);
     create table drafts as select generate_series(1, 200) as n;
     create unlogged table passing as select generate_series(1, 500) as n;
     create index on orders using hash (total); create index customers_name on customers (name); create materialized view sums as select sum(total) from orders`,
    'shop',
  );
}

/** A constraint that acts on the machine of whoever checks it. It acts once, to show that it can; what it left is removed. */
async function plantTrap(server: TestServer): Promise<string> {
  const trace = join(tmpdir(), `lifeboat-test-trap-${server.port}`);
  await server.query(
    `create function act(n int) returns boolean language plpgsql as $$
     begin
       if current_setting('application_name') like 'lifeboat%' then
         copy (select 1) to program 'cat > ${trace}';
       end if;
       return true;
     end $$;
     create table trap (n int constraint acts check (public.act(n))); insert into trap values (1);
     set application_name = 'lifeboat'; select act(1)`,
    'shop',
  );
  expect(existsSync(trace)).toBe(true);
  rmSync(trace);
  return trace;
}

describe.each(serversUnderTest(13))('prove on $name', ({ bin, major, hasTools }) => {
  it('restores, checks everything, says what it did not check, and names all that is damaged', async (context) => {
    const programs = need(context, bin, `no PostgreSQL ${major}`);
    await using shop = await scene(major, programs);
    const { server, place, prove, folder } = shop;
    await sound(server);
    const trace = await plantTrap(server);
    expect((await place.run('backup')).exitCode).toBe(0);

    const first = await prove();
    expect(first.proof.checks.flatMap(({ problems }) => problems)).toEqual([]);
    expect(first).toMatchObject({ exitCode: 0, proof: { verdict: 'passed', source: 'database' } });
    expect(first.proof.phases.map(({ phase }) => phase)).toEqual(['restore', 'replay', 'validate']);
    expect(first.proof.rtoMs).toBeGreaterThan(0);
    expect(first.proof.rpo).toMatchObject({ isAtMost: true });
    expect(find(first.proof, 'page-checksums').objects).toBeGreaterThan(900);
    expect(find(first.proof, 'row-counts').objects).toBe(13);
    expect(find(first.proof, 'foreign-keys')).toMatchObject({
      objects: 4,
      notChecked: [{ what: 'late of shop.public.orders', why: expect.stringMatching(/NOT VALID/) }],
    });
    expect(find(first.proof, 'your-checks')).toMatchObject({
      objects: 2,
      values: { customers: 500 },
    });
    expect(find(first.proof, 'check-constraints').notChecked).toEqual([
      {
        what: 'acts of shop.public.trap',
        why: expect.stringMatching(/^(must be superuser|permission denied)/),
      },
    ]);
    expect(existsSync(trace)).toBe(false);
    const unseen = first.proof.checks.flatMap(({ notChecked }) =>
      notChecked.map(({ what }) => what),
    );
    if (hasTools) expect(unseen).toContain('1 hash index of shop');
    if (major === 13) expect(unseen).toContain('tables');

    await place.run('announce', '--table', 'drafts', '--for', '1h');
    await server.query('delete from drafts', 'shop');
    for (const { inject } of damages) await inject(server, folder);
    await server.query(
      `create index broken on orders (note);
       update pg_index set indisvalid = false where indexrelid = 'broken'::regclass;
       drop index customers_name;
       alter table customers drop constraint named; insert into customers values (1000, '');
       alter table customers add constraint named check (name <> '') not valid;
       update pg_constraint set convalidated = true where conname = 'named'`,
      'shop',
    );
    expect((await place.run('backup')).exitCode).toBe(3);
    const second = await prove();
    expect(second).toMatchObject({ exitCode: 1, proof: { verdict: 'failed' } });
    const seen = (check: string) => find(second.proof, check).problems;
    for (const damage of damages) {
      if (damage.check === 'index-structure' && !hasTools) continue;
      expect(seen(damage.check), damage.name).toContainEqual({
        object: expect.stringMatching(damage.object),
        problem: expect.stringMatching(damage.problem),
      });
    }
    expect(find(second.proof, 'row-counts').notChecked).toContainEqual({
      what: 'shop.public.drafts',
      why: 'its change was announced',
    });
    expect(seen('indexes-valid')).toEqual([
      { object: 'shop.public.broken', problem: expect.stringMatching(/^it is invalid/) },
      { object: 'shop.public.customers_name', problem: expect.stringMatching(/^it is gone/) },
    ]);
    expect(seen('check-constraints')).toEqual([
      { object: 'named of shop.public.customers', problem: '1 row breaks it' },
    ]);
  });
});
