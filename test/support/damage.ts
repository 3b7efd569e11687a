import { closeSync, copyFileSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { TestServer } from './postgres.ts';

/** One way in which a database of `damagedShop` can be harmed, and what a proof has to say of it. */
export interface Damage {
  readonly name: string;
  /** Needs a backup of its own: no log tells of it. */
  readonly isOnDisk: boolean;
  inject(server: TestServer, folder: string): Promise<void>;
  readonly check: string;
  readonly object: RegExp;
  readonly problem: RegExp;
}

const database = 'shop';
export const goneLibrary = 'lifeboat_test_library.so';

/** Tables, constraints, indexes and a function in C, whose library lies in `folder`. All of it is sound. */
export async function makeShop(server: TestServer, folder: string): Promise<void> {
  await server.query(`create database ${database}`);
  const { rows } = await server.query(
    `select setting as folder from pg_config where name = 'PKGLIBDIR'`,
  );
  copyFileSync(join(rows[0].folder, 'plpgsql.so'), join(folder, goneLibrary));
  await server.query(
    `create table customers (id int primary key, name text constraint named check (name <> ''));
     create table orders (id int primary key, customer int constraint of_customer references customers,
       note text, total int);
     create table events (id int primary key, what text);
     create table sheets as select n, md5(n::text) as v from generate_series(1, 1000) n;
     insert into customers select n, 'customer ' || n from generate_series(1, 500) n;
     insert into orders select n, 1 + n % 500, repeat(md5(n::text), 100), n from generate_series(1, 3000) n;
     insert into events select n, md5(n::text) from generate_series(1, 400) n;
     create index orders_total on orders (total);
     create function of_library() returns language_handler language c as
       '${join(folder, goneLibrary)}', 'plpgsql_call_handler'`,
    database,
  );
}

function flipBit(server: TestServer, file: string, page: number): void {
  const handle = openSync(join(server.dataFolder, file), 'r+');
  const byte = Buffer.alloc(1);
  const at = page * 8192 + 5000;
  readSync(handle, byte, 0, 1, at);
  writeSync(handle, Buffer.of((byte[0] as number) ^ 0x40), 0, 1, at);
  closeSync(handle);
}

export const damages: readonly Damage[] = [
  {
    name: 'a flipped page bit',
    isOnDisk: true,
    check: 'page-checksums',
    object: /^shop\.public\.sheets \(base\/\d+\/\d+\)$/,
    problem: /^a page with a wrong checksum: block 1$/,
    async inject(server) {
      const { rows } = await server.query(
        `select pg_relation_filepath('sheets') as path`,
        database,
      );
      await server.stop();
      flipBit(server, rows[0].path, 1);
      await server.start();
    },
  },
  {
    name: 'a broken index',
    isOnDisk: false,
    check: 'index-structure',
    object: /^shop\.public\.orders_total$/,
    problem: /lacks matching index tuple within index "orders_total"/,
    // A row that the index never hears of.
    async inject(server) {
      const ready = (is: boolean) =>
        `update pg_index set indisready = ${is} where indexrelid = 'orders_total'::regclass`;
      await server.query(ready(false), database);
      await server.query('insert into orders values (100000, 1, null, 17)', database);
      await server.query(ready(true), database);
    },
  },
  {
    name: 'an orphaned key',
    isOnDisk: false,
    check: 'foreign-keys',
    object: /^of_customer of shop\.public\.orders$/,
    problem: /^6 rows refer to one of shop\.public\.customers that is not there$/,
    async inject(server) {
      await server.query(
        'set session_replication_role = replica; delete from customers where id = 7',
        database,
      );
    },
  },
  {
    name: 'an emptied table',
    isOnDisk: false,
    check: 'row-counts',
    object: /^shop\.public\.events$/,
    problem: /^it is empty; it had 400 rows at /,
    async inject(server) {
      await server.query('delete from events', database);
    },
  },
  {
    name: 'a missing extension library',
    isOnDisk: false,
    check: 'extension-libraries',
    object: /lifeboat_test_library\.so of shop$/,
    problem: /^it is missing; the function public\.of_library needs it$/,
    async inject(_, folder) {
      rmSync(join(folder, goneLibrary));
    },
  },
];
