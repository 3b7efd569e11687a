import { isLifeboatError, LifeboatError } from '../../../core/index.ts';
import { type ConnectionSettings, describePlace } from '../connection-settings.ts';
import { readTlsOptions, type TlsOptions } from './tls-options.ts';

/**
 * Opens a connection to one host with the encryption that its `sslmode` asks for: `open` gets the options of TLS, or undefined for plain
 * text. As in libpq, `prefer` and `allow` take the other way when the first is not to be had; neither protects against anybody who can
 * change packets.
 */
export async function openByMode<Connection>(
  settings: ConnectionSettings,
  open: (tls: TlsOptions | undefined) => Promise<Connection>,
): Promise<Connection> {
  const { sslmode } = settings;
  if (sslmode === 'disable' || settings.host.startsWith('/')) return await open(undefined);
  const tls = await readTlsOptions(settings);
  if (sslmode !== 'prefer' && sslmode !== 'allow') return await open(tls);
  const [first, second] = sslmode === 'prefer' ? [tls, undefined] : [undefined, tls];
  try {
    return await open(first);
  } catch (error) {
    if (isWithoutTls(error)) return await open(second);
    if (!mayDependOnEncryption(error)) throw error;
    // The first refusal is the one that explains.
    return await open(second).catch(() => Promise.reject(error));
  }
}

export function withoutTls(settings: ConnectionSettings): LifeboatError {
  return new LifeboatError('postgres.refused', `${describePlace(settings)} does not offer TLS`, {
    hint: 'Set ssl = on with a certificate in postgresql.conf, or sslmode=prefer in the URL.',
    context: { tls: 'not offered' },
  });
}

function isWithoutTls(error: unknown): boolean {
  return isLifeboatError(error, 'postgres.refused') && error.context.tls === 'not offered';
}

/** A line of pg_hba.conf that is only for one way (28000), or a handshake that failed. */
function mayDependOnEncryption(error: unknown): boolean {
  if (isLifeboatError(error, 'postgres.untrusted')) return true;
  return isLifeboatError(error, 'postgres.refused') && error.context.sqlstate === '28000';
}
