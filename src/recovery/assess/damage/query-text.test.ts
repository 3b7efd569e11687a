import { describe, expect, it } from 'vitest';
import { destructiveKind, shownQuery } from './query-text.ts';

describe('a statement', () => {
  it.each([
    ['DELETE FROM orders', 'delete'],
    ['/* app */ delete from "where" -- where\n', 'delete'],
    ["delete from orders returning 'where x'", 'delete'],
    ['UPDATE users SET name = $1', 'update'],
    ['update t set a = (select b from c where c.id = 1)', 'update'],
    ['TRUNCATE TABLE a, b', 'truncate'],
    ['drop table if exists orders cascade', 'drop'],
    ['DROP DATABASE shop', 'drop'],
    ['alter table orders drop column note', 'alter'],
    ['ALTER TABLE orders DROP note', 'alter'],
    [
      'with gone as (delete from orders returning *) insert into archive select * from gone',
      'delete',
    ],
    ['with x as (select 1) update orders set a = 1', 'update'],
    ['begin; delete from orders; commit', 'delete'],
  ] as const)('%s destroys: %s', (query, kind) => {
    expect(destructiveKind(query)).toBe(kind);
  });

  it.each([
    'delete from orders where id = $1',
    'update orders set a = 1 from b where b.id = orders.id',
    'with x as (delete from orders where id = 1) select 1',
    'with x as (select 1) delete from orders where id in (select * from x)',
    'select * from "delete from orders"',
    "insert into notes values ('delete from orders')",
    'insert into notes values ($$; delete from orders$$)',
    'drop index slow',
    'alter table orders drop constraint c',
    'alter table orders alter column a drop not null',
    'create table truncated (a int)',
    '',
    "'",
    '$a$',
    '(((',
    ')))',
  ])('%s does not', (query) => {
    expect(destructiveKind(query)).toBeUndefined();
  });

  it('is shown without what is in it', () => {
    expect(shownQuery("alter role x\n  password 'geheim''s' valid")).toBe(
      "alter role x password '…' valid",
    );
    expect(shownQuery('do $x$ secret $x$ ')).toBe("do '…'");
    expect(shownQuery("select 'not closed")).toBe("select '…'");
    expect(shownQuery('x'.repeat(500))).toHaveLength(161);
  });
});
