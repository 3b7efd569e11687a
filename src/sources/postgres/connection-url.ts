import { LifeboatError, Secret } from '../../core/index.ts';
import {
  type ConnectionSettings,
  type HostPlace,
  type SslMode,
  sslModes,
  targetSessions,
} from './connection-settings.ts';

/** Those of libpq that change nothing here, so that a URL made for it works. */
const withoutEffect = [
  'application_name',
  'fallback_application_name',
  'gssencmode',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
];
const understood = [
  'host',
  'port',
  'user',
  'dbname',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'target_session_attrs',
  'connect_timeout',
];

/**
 * `postgres://user:password@host:port,host2:port2/database?sslmode=require`, as libpq reads it. A password in the URL is accepted
 * (it comes from the configuration file or the environment, never from an argument). What is not understood is refused: a mistyped
 * `sslmode` must not go unnoticed.
 */
export function parseConnectionUrl(text: string, password?: Secret): ConnectionSettings {
  const parts = /^postgres(?:ql)?:\/\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(text);
  if (!parts) throw invalid('it must begin with postgres://');
  const [, authority = '', path = '', query = ''] = parts;
  const at = authority.lastIndexOf('@');
  if (path.includes('@') || (at < 0 && query.includes('@'))) {
    throw invalid('a / or ? before the @ is written as %2F or %3F, and an @ behind it as %40');
  }
  const [name = '', ...word] = authority.slice(0, Math.max(at, 0)).split(':');
  const options = readOptions(query);
  const [first, ...otherHosts] = readHosts(authority.slice(at + 1), options);
  const user = decode(name) || options.get('user') || 'postgres';
  const inUrl = decode(word.join(':'));
  const given = password ?? (inUrl ? new Secret(inUrl) : undefined);
  const targetSession = oneOf('target_session_attrs', targetSessions, options);
  const timeoutMs = readTimeout(options);
  return Object.freeze({
    ...(first as HostPlace),
    ...(otherHosts.length > 0 ? { otherHosts } : {}),
    ...(targetSession ? { targetSession } : {}),
    user,
    database: decode(path) || options.get('dbname') || user,
    ...(given ? { password: given } : {}),
    ...readTls(options),
    ...(timeoutMs === undefined ? {} : { connectTimeoutMs: timeoutMs }),
  });
}

/** The same URL for another role, without a password: for people to complete. */
export function withUser(url: string, user: string): string {
  return url.replace(/^(postgres(?:ql)?:\/\/)(?:[^/?]*@)?/, `$1${encodeURIComponent(user)}@`);
}

function readOptions(query: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (const pair of query.split('&').filter(Boolean)) {
    const [name = '', ...value] = pair.split('=');
    const key = decode(name);
    if (key === 'password') throw invalid('it has a password among its options');
    if (key === 'channel_binding' && decode(value.join('=')) !== 'require') continue;
    if (!understood.includes(key)) {
      if (withoutEffect.includes(key)) continue;
      // Nothing else is repeated: it may be a piece of a password with a sign that had to be encoded.
      const what = /^[a-z_]+$/.test(key) ? key : 'one of its options';
      throw invalid(`${what} is not understood; known are ${understood.join(', ')}`);
    }
    options.set(key, decode(value.join('=')));
  }
  return options;
}

function readHosts(authority: string, options: ReadonlyMap<string, string>): readonly HostPlace[] {
  const places = authority.split(',').map((each) => {
    const parts = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]]*))(?::([^:]*))?$/.exec(each);
    // Not repeated, as the port below: without an @ they may be a role and its password.
    if (!parts) throw invalid('one of its hosts is no host with a port');
    return { host: parts[1] ?? decode(parts[2] ?? ''), port: parts[3] ?? '' };
  });
  const hosts = options.get('host')?.split(',') ?? places.map(({ host }) => host);
  const ports = options.get('port')?.split(',') ?? places.map(({ port }) => port);
  if (ports.length > 1 && ports.length !== hosts.length) {
    throw invalid(`it has ${ports.length} ports for ${hosts.length} hosts`);
  }
  return hosts.map((host, index) => ({
    host: host || 'localhost',
    port: readPort((ports.length === 1 ? ports[0] : ports[index]) || '5432'),
  }));
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port > 0 && port < 65_536) return port;
  throw invalid(
    'what stands behind the : of a host is no port; a role and its password end with an @',
  );
}

function readTls(options: ReadonlyMap<string, string>) {
  const sslRootCert = options.get('sslrootcert');
  const sslCert = options.get('sslcert');
  const sslKey = options.get('sslkey');
  // Any of the public authorities signs for anybody: only together with the host name that proves something.
  const isSystem = sslRootCert === 'system';
  const sslmode: SslMode =
    oneOf('sslmode', sslModes, options) ?? (isSystem ? 'verify-full' : 'prefer');
  if (isSystem && sslmode !== 'verify-full') {
    throw invalid(`sslrootcert=system needs sslmode=verify-full, not ${sslmode}`);
  }
  if (sslmode === 'verify-ca' && sslRootCert === undefined) {
    throw invalid('sslmode=verify-ca needs sslrootcert, the file of the authority to trust');
  }
  if ((sslCert === undefined) !== (sslKey === undefined)) {
    throw invalid('sslcert and sslkey go together');
  }
  return {
    sslmode,
    ...(sslRootCert ? { sslRootCert } : {}),
    ...(sslCert && sslKey ? { sslCert, sslKey } : {}),
  };
}

/** Seconds in the URL; 0 is without limit, as in libpq. */
function readTimeout(options: ReadonlyMap<string, string>): number | undefined {
  const text = options.get('connect_timeout');
  if (!text || text === '0') return undefined;
  if (!/^\d{1,5}$/.test(text)) throw invalid(`connect_timeout=${text} is no number of seconds`);
  return Number(text) * 1000;
}

function oneOf<Value extends string>(
  name: string,
  values: readonly Value[],
  options: ReadonlyMap<string, string>,
): Value | undefined {
  const text = options.get(name);
  if (!text) return undefined;
  const known = values.find((value) => value === text);
  if (known) return known;
  throw invalid(`${name} must be one of ${values.join(', ')}`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw invalid('a % in it is followed by no two hexadecimal digits', cause);
  }
}

function invalid(fact: string, cause?: unknown): LifeboatError {
  return new LifeboatError('config.invalid', `the connection URL is wrong: ${fact}`, {
    hint: 'Write it as postgres://user@host:5432/database; put the password beside it, not into it.',
    cause,
  });
}
