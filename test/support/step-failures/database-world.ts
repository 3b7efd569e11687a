import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { LocalLocation, openRepository, type Repository } from '../../../src/repository/index.ts';
import { untilRecord } from '../command-line.ts';
import { type FaultyRelay, startFaultyRelay } from '../faulty-relay.ts';
import { ended, type Installation, installation, installationPassword } from '../installation.ts';
import { startPostgres, type TestServer } from '../postgres.ts';
import { untilFlushed } from '../until-flushed.ts';

/** A database server with a backup and a log, in which somebody has deleted rows. */
export interface DatabaseWorld extends AsyncDisposable {
  readonly server: TestServer;
  /** The way to it that steps take. */
  readonly relay: FaultyRelay;
  readonly repository: Repository;
  readonly repositoryFolder: string;
  /** The DELETE. */
  readonly xid: number;
  readonly commitLsn: string;
  /** Programs of the server; each has a fault while the file `broken-NAME` is in `faults`. */
  readonly programs: string;
  readonly faults: string;
  url(database?: string): string;
  /** As the DELETE left it, with nothing of former tests. */
  reset(): Promise<void>;
}

/** The rights that a freeze takes away, and has to give back. */
const rights = `create role owner login; create role app login;
  alter database shop owner to owner; revoke connect on database shop from public;
  grant connect on database shop to app with grant option; alter database shop connection limit 17;
  alter database shop set default_transaction_read_only = off`;

export async function databaseWorld(bin: string, major: number): Promise<DatabaseWorld> {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await startPostgres({ bin, major }));
  await server.query('create database shop');
  await server.query(rights);
  await server.query(
    `create table customers (id int primary key, name text);
     insert into customers select i, 'customer ' || i from generate_series(1, 500) i; grant all on customers to app`,
    'shop',
  );
  const place = opening.use(await installation({ connection: server.url('shop'), programs: bin }));
  const { xid, commitLsn } = await deleteRows(server, place);
  const { repositoryFolder } = place;
  const location = new LocalLocation(repositoryFolder);
  const repository = opening.use(
    await openRepository({ location, password: installationPassword }),
  );
  const relay = opening.use(await startFaultyRelay(server.port));
  const faults = join(place.folder, 'faults');
  const programs = faultyPrograms(bin, join(place.folder, 'bin'), faults);
  // For those who look for programs by themselves.
  const named = `LIFEBOAT_PG_BIN_${major}`;
  process.env[named] = programs;
  opening.defer(() => void delete process.env[named]);
  const opened = opening.move();
  return {
    server,
    relay,
    repository,
    repositoryFolder,
    xid,
    commitLsn,
    faults,
    programs,
    url: (database = 'shop') =>
      `postgres://postgres@127.0.0.1:${relay.port}/${database}?sslmode=disable&connect_timeout=2`,
    async reset() {
      relay.mend();
      const { rows: others } = await server.query(
        `select datname from pg_database where datname not in ('postgres', 'template0', 'template1', 'shop')`,
      );
      for (const { datname } of others) {
        await server.query(`drop database ${pg.escapeIdentifier(datname)} with (force)`);
      }
      await server.query(
        `begin read write; comment on database shop is null; delete from customers where id <= 400 or id >= 1000;
         insert into customers values (1000, 'came later'); commit`,
        'shop',
      );
      const { rows: schemas } = await server.query(
        `select nspname from pg_namespace where nspname like 'lifeboat\\_%'`,
        'shop',
      );
      for (const { nspname } of schemas) {
        await server.query(`drop schema ${nspname} cascade`, 'shop');
      }
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

async function deleteRows(server: TestServer, place: Installation) {
  const service = place.spawn('serve');
  await untilRecord(service, ({ type }) => type === 'backup');
  const { rows } = await server.query(
    'with gone as (delete from customers where id <= 400 returning 1) select pg_current_xact_id()::text as xid from gone limit 1',
    'shop',
  );
  const xid = Number(rows[0].xid);
  await server.query(`insert into customers values (1000, 'came later')`, 'shop');
  await untilFlushed(server);
  await ended(service, 'SIGTERM');
  const loss = await place.run('find-loss');
  const suspect = loss.records.find((each) => each.type === 'suspect' && each.xid === xid);
  return { xid, commitLsn: suspect?.commitLsn as string };
}

/** Stand before the real ones; what only asks for the version is always answered. */
function faultyPrograms(bin: string, folder: string, faults: string): string {
  for (const each of [folder, faults]) mkdirSync(each);
  // Servers run as another account.
  chmodSync(faults, 0o777);
  for (const name of readdirSync(bin)) {
    if (!['postgres', 'pg_dump', 'pg_restore'].includes(name)) {
      symlinkSync(join(bin, name), join(folder, name));
      continue;
    }
    writeFileSync(
      join(folder, name),
      `#!/bin/sh
case " $* " in *" --version "*|*" -V "*) ;; *) if [ -e ${faults}/broken-${name} ]; then . ${faults}/broken-${name}; fi ;; esac
exec ${join(bin, name)} "$@"
`,
    );
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}
