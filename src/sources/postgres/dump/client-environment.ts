import type { ConnectionSettings } from '../connection-settings.ts';

/**
 * What is passed on of our own environment: how to prove who we are. Nothing that says where to connect (PGHOSTADDR and PGSERVICE would
 * overrule us), and no keys of the repository.
 */
const inherited = [
  'PGPASSWORD',
  'PGPASSFILE',
  'PGSSLROOTCERT',
  'PGSSLCERT',
  'PGSSLKEY',
  'PGSSLCRL',
  'PGSSLCRLDIR',
  'PGCHANNELBINDING',
  'PGGSSENCMODE',
  'PGGSSLIB',
  'PGKRBSRVNAME',
  'PGSYSCONFDIR',
] as const;

/**
 * How PostgreSQL's own programs are told where to connect, to the first host of the settings: by the environment, which only we and root
 * can read. The password is never an argument.
 */
export function clientEnvironment(
  settings: ConnectionSettings,
  environment: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const { host, port, user, database, password, sslmode, sslRootCert, sslCert, sslKey } = settings;
  const passedOn = inherited.filter((name) => environment[name] !== undefined);
  return {
    ...Object.fromEntries(passedOn.map((name) => [name, environment[name]])),
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
