import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { type ConnectionOptions, getCACertificates } from 'node:tls';
import { fileError, LifeboatError } from '../../../core/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';

export type TlsOptions = Pick<
  ConnectionOptions,
  | 'ca'
  | 'cert'
  | 'key'
  | 'checkServerIdentity'
  | 'host'
  | 'minVersion'
  | 'rejectUnauthorized'
  | 'servername'
>;

/** What is checked of the server, and what we show of ourselves. Errors: `file.unreadable`, `config.invalid`. */
export async function readTlsOptions(settings: ConnectionSettings): Promise<TlsOptions> {
  const { host, sslmode, sslRootCert, sslCert, sslKey } = settings;
  // As in libpq: `require` with a root certificate verifies it too.
  const verify =
    sslmode.startsWith('verify') || (sslmode === 'require' && sslRootCert !== undefined);
  return {
    host,
    // SNI: a proxy in front of several servers needs the name. Not for addresses (RFC 6066 section 3).
    ...(isIP(host) ? {} : { servername: host }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: verify,
    ...(verify && sslRootCert ? { ca: await readAuthorities(sslRootCert) } : {}),
    ...(sslmode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...(sslCert && sslKey
      ? { cert: await readPem(sslCert, 'certificate'), key: await readKey(sslKey) }
      : {}),
  };
}

async function readAuthorities(place: string): Promise<string | string[]> {
  if (place === 'system') return getCACertificates('system');
  return await readPem(place, 'root certificate');
}

async function readKey(path: string): Promise<string> {
  const { mode, uid } = await stat(path).catch((error) => {
    throw fileError(error, `could not read the key ${path}`);
  });
  // As in libpq: a key that belongs to root may be readable for a group.
  if ((mode & (uid === 0 ? 0o037 : 0o077)) !== 0) {
    throw new LifeboatError('config.invalid', `others on this machine can read the key ${path}`, {
      hint: `Run: chmod 600 ${path}`,
    });
  }
  const text = await readPem(path, 'key');
  if (!/ENCRYPTED/.test(text)) return text;
  throw new LifeboatError('config.invalid', `the key ${path} is encrypted`, {
    hint: `Write it without a password into a file that only you can read: openssl pkey -in ${path} -out NEW_FILE`,
  });
}

async function readPem(path: string, what: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error) => {
    throw fileError(error, `could not read the ${what} ${path}`);
  });
  if (/-----BEGIN [A-Z0-9 ]+-----/.test(text)) return text;
  throw new LifeboatError('config.invalid', `${path} holds no ${what} in PEM format`, {
    hint: 'It begins with a line such as -----BEGIN CERTIFICATE-----.',
  });
}
