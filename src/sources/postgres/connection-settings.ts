import { LifeboatError, Secret } from '../../core/index.ts';

/** Where a server is and who we are there. Parsed once from a `postgres://` URL. */
export interface ConnectionSettings {
  /** A host name or address, or the absolute folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password?: Secret;
  readonly sslmode: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  /** Path of a file with the certificate authorities to trust. */
  readonly sslRootCert?: string;
}

const sslmodes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

/**
 * `postgres://user:password@host:port/database?host=/socket/folder&sslmode=require`. A password in the URL is
 * accepted (it comes from the configuration file or the environment, never from an argument).
 */
export function parseConnectionUrl(text: string, password?: Secret): ConnectionSettings {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw invalid('it is not a URL', cause);
  }
  if (!/^postgres(ql)?:$/.test(url.protocol)) throw invalid('it must begin with postgres://');
  const sslmode = url.searchParams.get('sslmode') ?? 'prefer';
  const known = sslmodes.find((mode) => mode === sslmode);
  if (!known) throw invalid(`sslmode must be one of ${sslmodes.join(', ')}`);
  const user = decodeURIComponent(url.username) || url.searchParams.get('user') || 'postgres';
  const sslRootCert = url.searchParams.get('sslrootcert');
  const given =
    password ?? (url.password ? new Secret(decodeURIComponent(url.password)) : undefined);
  return Object.freeze({
    host: url.searchParams.get('host') || decodeURIComponent(url.hostname) || 'localhost',
    port: Number(url.searchParams.get('port') || url.port || 5432),
    user,
    database: decodeURIComponent(url.pathname.slice(1)) || user,
    sslmode: known,
    ...(given ? { password: given } : {}),
    ...(sslRootCert ? { sslRootCert } : {}),
  });
}

/** For people: never with the password. */
export function describeConnection(settings: ConnectionSettings): string {
  const place = settings.host.startsWith('/') ? settings.host : `${settings.host}:${settings.port}`;
  return `${settings.user}@${place}/${settings.database}`;
}

function invalid(fact: string, cause?: unknown): LifeboatError {
  return new LifeboatError('config.invalid', `the connection URL is wrong: ${fact}`, {
    hint: 'Write it as postgres://user@host:5432/database; put the password beside it, not into it.',
    cause,
  });
}
