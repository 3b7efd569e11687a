import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createsTablespace, visitImages, WalReader } from '../../src/wal/index.ts';
import { startPostgres } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { currentLsn, describeRecord, scan, waldump, walPieces } from '../support/wal.ts';

const run = promisify(execFile);

describe.each(serversUnderTest(13))('WAL of $name', ({ major, bin: programs, hasTools }) => {
  it('is read as pg_waldump reads it', async (context) => {
    context.skip(!hasTools, 'no pg_waldump, no pgbench');
    const bin = need(context, programs, `no PostgreSQL ${major}`);
    await using server = await startPostgres({
      bin,
      major,
      settings: { wal_keep_size: '1GB', fsync: 'off', max_wal_size: '2GB' },
    });
    const bench = (...args: string[]) =>
      run(join(bin, 'pgbench'), [
        '-h',
        '127.0.0.1',
        '-p',
        `${server.port}`,
        '-U',
        'postgres',
        ...args,
      ]);
    const from = await currentLsn(server);
    await bench('-i', '-s', '3', 'postgres');
    // All sorts of images, of index records, and a record of several megabytes.
    for (const compression of major < 15 ? ['on', 'off'] : ['pglz', 'lz4', 'zstd', 'off']) {
      await server.query(`alter system set wal_compression = '${compression}'`);
      await server.query('select pg_reload_conf()');
      await server.query('checkpoint');
      await bench('-c', '3', '-t', '400', 'postgres');
    }
    await server.query(`select pg_switch_wal()`);
    await server.query(`
      create table kinds (id int primary key, a int[], t text, h text, p point);
      create index on kinds using gin (a);
      create index on kinds using gist (p);
      create index on kinds using hash (h);
      create index on kinds using brin (id);
      create index on kinds using spgist (t);
      insert into kinds select i, array[i, i + 1], repeat(md5(i::text), i % 300), md5(i::text),
        point(i, i) from generate_series(1, 3000) i;
      delete from kinds where id % 3 = 0;
      select pg_logical_emit_message(false, 'large', repeat('0123456789', 400000));
      select pg_logical_emit_message(true, 'small', 'x');
      create sequence numbers; select nextval('numbers') from generate_series(1, 100);`);
    await server.query('vacuum kinds');
    await server.query('select pg_switch_wal()');
    await server.query('create table last_one (id int)');

    const theirs = (await waldump(server, from)).map(({ words }) => words);
    for (const pieceBytes of [1_000_003, 777]) {
      const ours: string[] = [];
      const reader = scan(
        server,
        from,
        (record) => {
          if (record.lsn >= from) ours.push(describeRecord(record));
        },
        pieceBytes,
      );
      // The server may have written a record or two since it was asked.
      expect(ours.length).toBeGreaterThan(30_000);
      expect(ours.slice(0, theirs.length)).toEqual(theirs);
      expect(reader.finish()).toMatchObject({ kind: 'invalid' });
      expect(reader.major).toBe(major);
    }
  });

  it('starts at any page, in the middle of a record too', async (context) => {
    const bin = need(context, programs, `no PostgreSQL ${major}`);
    await using server = await startPostgres({ bin, major, settings: { wal_keep_size: '1GB' } });
    await server.query(`select pg_logical_emit_message(false, 'large', repeat('x', 60000))`);
    await server.query('create table t as select i from generate_series(1, 1000) i');
    const { startLsn, pieces } = walPieces(server, (await currentLsn(server)) - 2n ** 20n);
    const bytes = Buffer.concat(pieces);
    const starts: number[] = [];
    const whole = new WalReader({ startLsn });
    for (const record of whole.read(bytes)) starts.push(record.start);
    expect(starts.length).toBeGreaterThan(100);
    const pages = Math.floor(Number(whole.reachedLsn - startLsn) / 8192);
    for (let page = 1; page < pages; page += 7) {
      const position = startLsn + BigInt(page * 8192);
      const reader = new WalReader({ startLsn: position });
      const found = [...reader.read(bytes.subarray(page * 8192))].length;
      expect(found).toBe(starts.filter((start) => start >= Number(position)).length);
    }
  });

  it('tells images and new tablespaces of a span', async (context) => {
    const bin = need(context, programs, `no PostgreSQL ${major}`);
    await using server = await startPostgres({ bin, major });
    await server.query('create table t as select i from generate_series(1, 1000) i');
    await server.query('checkpoint');
    const from = await currentLsn(server);
    await server.query('update t set i = 0 where i = 1');
    const to = await currentLsn(server);
    const span = { ...walPieces(server, from), from, to };
    const file = await server.query(`select pg_relation_filenode('t')::int as filenode`);
    const images: number[] = [];
    visitImages(span, (block) => {
      if (block.relation === file.rows[0].filenode && block.fork === 0)
        images.push(block.blockNumber);
    });
    // With checksums the scan's hint bits write the other pages too.
    expect(images.sort()).toEqual([0, 1, 2, 3, 4]);
    expect(createsTablespace(span)).toBe(false);
    const after = await currentLsn(server);
    await server.query(`alter system set allow_in_place_tablespaces = on`);
    await server.query('select pg_reload_conf()');
    await expect
      .poll(async () => {
        const shown = await server.query('show allow_in_place_tablespaces');
        return shown.rows[0].allow_in_place_tablespaces;
      })
      .toBe('on');
    await server.query(`create tablespace here location ''`);
    const end = await currentLsn(server);
    expect(createsTablespace({ ...walPieces(server, after), from: after, to: end })).toBe(true);
  });
});
