import { isLifeboatError, LifeboatError } from '../../../core/index.ts';
import {
  type ConnectionSettings,
  describeConnection,
  describePlace,
  eachHost,
  type TargetSession,
} from '../connection-settings.ts';

/** What a server says of itself where several are named. */
export interface SessionFacts {
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
}

/**
 * Tries the servers in order and gives the first connection that fits `target_session_attrs`. With one server and no wish its own error
 * passes; otherwise the error names what each of them said. A wrong password ends it: the others are not asked with it.
 */
export async function openInTurn<Connection extends AsyncDisposable>(
  settings: ConnectionSettings,
  open: (host: ConnectionSettings) => Promise<Connection>,
  ask: (connection: Connection) => Promise<SessionFacts>,
): Promise<Connection> {
  const wanted = settings.targetSession ?? 'any';
  const hosts = eachHost(settings);
  if (wanted === 'any' && hosts.length === 1) return await open(hosts[0] as ConnectionSettings);
  const answers: Answer[] = [];
  for (const pass of wanted === 'prefer-standby' ? (['standby', 'any'] as const) : [wanted]) {
    for (const host of hosts) {
      try {
        const connection = await open(host);
        const misfit = await findMisfit(connection, pass, ask);
        if (misfit === undefined) return connection;
        answers.push({ host, error: misfit });
      } catch (error) {
        if (!isLifeboatError(error) || isFinal(error)) throw error;
        answers.push({ host, error });
      }
    }
  }
  throw noServer(settings, answers.slice(-hosts.length));
}

interface Answer {
  readonly host: ConnectionSettings;
  readonly error: LifeboatError;
}

/** Closes the connection unless it fits. */
async function findMisfit<Connection extends AsyncDisposable>(
  connection: Connection,
  wanted: TargetSession,
  ask: (connection: Connection) => Promise<SessionFacts>,
): Promise<LifeboatError | undefined> {
  if (wanted === 'any') return undefined;
  let fits = false;
  try {
    const facts = await ask(connection);
    fits = isFit(wanted, facts);
    if (fits) return undefined;
    const kind = facts.isStandby ? 'a standby' : 'a primary';
    const mode = facts.isReadOnly && !facts.isStandby ? ', read-only' : '';
    return new LifeboatError('postgres.unreachable', `is ${kind}${mode}, not ${wanted}`, {
      context: { isMisfit: true },
      retryable: true,
    });
  } finally {
    if (!fits) await connection[Symbol.asyncDispose]();
  }
}

function isFit(wanted: TargetSession, { isStandby, isReadOnly }: SessionFacts): boolean {
  if (wanted === 'primary') return !isStandby;
  if (wanted === 'standby') return isStandby;
  if (wanted === 'read-write') return !isReadOnly;
  if (wanted === 'read-only') return isReadOnly;
  return true;
}

function isFinal(error: LifeboatError): boolean {
  if (error.code === 'cancelled' || error.code === 'config.invalid') return true;
  if (error.code === 'file.unreadable' || error.code === 'bug') return true;
  return error.context.sqlstate === '28P01';
}

function noServer(settings: ConnectionSettings, answers: readonly Answer[]): LifeboatError {
  const said = answers.map(({ host, error }) => {
    const place = describePlace(host);
    const text = error.message.replace(`could not connect to ${describeConnection(host)}: `, '');
    return text.includes(place) ? text : `${place} ${text}`;
  });
  // What somebody has to change comes before what may pass by itself, and that before what is as it should be.
  const first =
    answers.find(({ error }) => error.code !== 'postgres.unreachable') ??
    answers.find(({ error }) => error.context.isMisfit !== true) ??
    answers[0];
  const { code, hint, context } = (first as Answer).error;
  const wish = settings.targetSession ? ` as ${settings.targetSession}` : '';
  return new LifeboatError(
    code,
    `no server of ${describeConnection(settings)} will do${wish}: ${said.join('; ')}`,
    {
      hint: hint ?? 'See which of them is the primary now, and that the URL names it.',
      context,
      cause: new AggregateError(answers.map(({ error }) => error)),
      retryable: answers.some(({ error }) => error.retryable),
    },
  );
}
