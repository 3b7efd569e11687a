import type { ConnectionSettings } from '../connection-settings.ts';

/**
 * How PostgreSQL's own programs are told where to connect, to the first host of the settings: by the environment, which only we and root can read. The password is
 * never an argument. Of our own environment only what libpq reads is passed on: the rest may hold keys of the repository.
 */
export function clientEnvironment(
  settings: ConnectionSettings,
  environment: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const { host, port, user, database, password, sslmode, sslRootCert, sslCert, sslKey } = settings;
  const inherited = Object.entries(environment).filter(([name]) => /^PG[A-Z]+$/.test(name));
  return {
    ...Object.fromEntries(inherited),
    PATH: environment.PATH ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: environment.HOME ?? '/',
    // Their messages are read by us.
    LC_ALL: 'C',
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGDATABASE: database,
    PGSSLMODE: sslmode,
    PGAPPNAME: 'lifeboat dump',
    PGCONNECT_TIMEOUT: '30',
    PGCLIENTENCODING: 'UTF8',
    ...(password ? { PGPASSWORD: password.reveal() } : {}),
    ...(sslRootCert ? { PGSSLROOTCERT: sslRootCert } : {}),
    ...(sslCert ? { PGSSLCERT: sslCert } : {}),
    ...(sslKey ? { PGSSLKEY: sslKey } : {}),
  };
}
