import { type ErrorCode, type ErrorDetails, LifeboatError } from '../../../core/index.ts';
import { type ConnectionSettings, describeConnection } from '../connection-settings.ts';
import { readFields } from './backend-messages.ts';

interface ServerError {
  readonly sqlstate: string;
  readonly message: string;
  readonly fatal: boolean;
}

/** An ErrorResponse to a command. A fatal one is the end of the connection, whatever its reason. */
export function commandError(body: Buffer): LifeboatError {
  const { sqlstate, message, fatal } = parse(body);
  const context = { sqlstate };
  if (fatal) {
    return new LifeboatError(
      'postgres.connection-lost',
      `the server ended the connection: ${message}`,
      {
        context,
        retryable: true,
      },
    );
  }
  return new LifeboatError('postgres.query', `the server answered with an error: ${message}`, {
    context,
  });
}

/** An ErrorResponse before the session was ready. Judged by SQLSTATE only: messages are translated. */
export function startupError(
  body: Buffer,
  settings: ConnectionSettings,
  ownAddress: string | undefined,
): LifeboatError {
  const { sqlstate, message } = parse(body);
  const [code, details] = startupCause(sqlstate, settings, ownAddress);
  return new LifeboatError(code, `cannot log in as ${describeConnection(settings)}: ${message}`, {
    ...details,
    context: { sqlstate },
  });
}

function startupCause(
  sqlstate: string,
  settings: ConnectionSettings,
  ownAddress: string | undefined,
): [ErrorCode, ErrorDetails] {
  const line = hbaLine(settings, ownAddress);
  switch (sqlstate) {
    case '28P01':
      return [
        'postgres.refused',
        {
          hint: `Check the password of ${settings.user} in the configuration, PGPASSWORD or ~/.pgpass.`,
        },
      ];
    case '28000':
      return [
        'postgres.refused',
        {
          hint: `See that the role exists and may log in, and add this line to pg_hba.conf, then reload the server: ${line}`,
        },
      ];
    case '42501':
      return [
        'postgres.no-replication',
        { hint: `Run as a superuser: ALTER ROLE ${quoteIdentifier(settings.user)} REPLICATION` },
      ];
    case '53300':
      return [
        'postgres.refused',
        {
          hint: 'All connections for replication are taken. Set max_wal_senders = 10 or more (and wal_level = replica) and restart the server.',
          retryable: true,
        },
      ];
    case '57P03':
      return [
        'postgres.unreachable',
        { hint: 'The server is starting or stopping. Try again soon.', retryable: true },
      ];
    default:
      return [
        'postgres.refused',
        { retryable: sqlstate.startsWith('57') || sqlstate.startsWith('53') },
      ];
  }
}

/** The line that lets this role stream, exactly as pg_hba.conf wants it. */
function hbaLine(settings: ConnectionSettings, ownAddress = '<address of this host>'): string {
  const user = quoteIdentifier(settings.user);
  if (settings.host.startsWith('/')) return `local replication ${user} scram-sha-256`;
  const kind = settings.sslmode === 'disable' || settings.sslmode === 'prefer' ? 'host' : 'hostssl';
  return `${kind} replication ${user} ${ownAddress}/${ownAddress.includes(':') ? 128 : 32} scram-sha-256`;
}

export function quoteIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function parse(body: Buffer): ServerError {
  const fields = readFields(body);
  const severity = fields.get('V') ?? fields.get('S') ?? '';
  const detail = fields.get('D');
  const message = fields.get('M') ?? 'no message';
  return {
    sqlstate: fields.get('C') ?? '',
    message: detail ? `${message} (${detail})` : message,
    fatal: severity === 'FATAL' || severity === 'PANIC',
  };
}
