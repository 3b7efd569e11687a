import type { Secret } from '../../core/index.ts';

/** Where a server is and who we are there. Parsed once from a `postgres://` URL. */
export interface ConnectionSettings {
  /** A host name or address, or the absolute folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** More servers of the same cluster, tried in this order when the first does not answer or fit. */
  readonly otherHosts?: readonly HostPlace[];
  /** Which of the servers will do. Default: `any`. */
  readonly targetSession?: TargetSession;
  readonly user: string;
  readonly database: string;
  readonly password?: Secret;
  readonly sslmode: SslMode;
  /** Path of a file with the certificate authorities to trust, or `system`. */
  readonly sslRootCert?: string;
  /** Paths of our own certificate and its key, for a server that asks for one. */
  readonly sslCert?: string;
  readonly sslKey?: string;
  readonly connectTimeoutMs?: number;
}

export interface HostPlace {
  readonly host: string;
  readonly port: number;
}

export const sslModes = [
  'disable',
  'allow',
  'prefer',
  'require',
  'verify-ca',
  'verify-full',
] as const;
export type SslMode = (typeof sslModes)[number];

/** As libpq's `target_session_attrs`. */
export const targetSessions = [
  'any',
  'read-write',
  'read-only',
  'primary',
  'standby',
  'prefer-standby',
] as const;
export type TargetSession = (typeof targetSessions)[number];

/** For people: never with the password. */
export function describeConnection(settings: ConnectionSettings): string {
  const places = [settings, ...(settings.otherHosts ?? [])].map(describePlace);
  return `${settings.user}@${places.join(',')}/${settings.database}`;
}

/** `db:5432`, or a folder of sockets. */
export function describePlace({ host, port }: HostPlace): string {
  if (host.startsWith('/')) return port === 5432 ? host : `${host}:${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** For who writes: of several servers the primary, unless the URL wishes otherwise. */
export function preferPrimary(settings: ConnectionSettings): ConnectionSettings {
  if (!settings.otherHosts || settings.targetSession) return settings;
  return { ...settings, targetSession: 'primary' };
}

/** The same settings for each server alone, in order. */
export function eachHost(settings: ConnectionSettings): readonly ConnectionSettings[] {
  const { otherHosts = [], targetSession: _, ...rest } = settings;
  return [{ host: settings.host, port: settings.port }, ...otherHosts].map((place) => ({
    ...rest,
    ...place,
  }));
}
