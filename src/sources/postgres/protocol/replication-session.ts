import { LifeboatError } from '../../../core/index.ts';
import type { Lsn } from '../../../wal/index.ts';
import { type ConnectionSettings, describeConnection } from '../connection-settings.ts';
import { Backend, isAside, readLsn, unexpected } from './backend-messages.ts';
import { queryMessage } from './frontend-messages.ts';
import { streamPhysical } from './physical-replication.ts';
import type {
  CopyOutHandler,
  QueryResult,
  ReplicationConnection,
  ReplicationEnd,
  StartReplication,
} from './replication-connection.ts';
import { ResultCollector } from './result-collector.ts';
import { commandError, quoteIdentifier } from './server-error.ts';
import type { MessageHandler, Wire } from './wire.ts';

/** 13 to 18: what is known of the protocol, of files and of WAL. A later one may keep its data in another way. */
const versionMin = 130_000;
const versionEnd = 190_000;

/** The commands of a replication connection on a wire that is logged in. */
export class ReplicationSession implements ReplicationConnection {
  readonly serverVersion: number;
  readonly settings: ConnectionSettings;
  readonly #wire: Wire;
  readonly #release: () => void;

  private constructor(
    wire: Wire,
    settings: ConnectionSettings,
    serverVersion: number,
    release: () => void,
  ) {
    this.#wire = wire;
    this.settings = settings;
    this.serverVersion = serverVersion;
    this.#release = release;
  }

  /** `release` is called when the session is disposed. */
  static async begin(
    wire: Wire,
    settings: ConnectionSettings,
    release: () => void,
  ): Promise<ReplicationSession> {
    const [result] = await runQuery(wire, 'SHOW server_version_num');
    const version = Number(result?.rows[0]?.[0]);
    if (!Number.isInteger(version)) {
      throw new LifeboatError('postgres.protocol', 'the server did not say its version');
    }
    if (version < versionMin || version >= versionEnd) throw unsupported(version, settings);
    return new ReplicationSession(wire, settings, version, release);
  }

  async identifySystem(): Promise<{ systemId: string; timeline: number; flushLsn: Lsn }> {
    const row = (await this.query('IDENTIFY_SYSTEM'))[0]?.rows[0];
    const [systemId, timeline, flushLsn] = row ?? [];
    if (!systemId || !/^\d+$/.test(systemId) || !timeline || !flushLsn) {
      throw new LifeboatError('postgres.protocol', 'the server did not identify itself');
    }
    return { systemId, timeline: Number(timeline), flushLsn: readLsn(flushLsn) };
  }

  async show(name: string): Promise<string> {
    const value = (await this.query(`SHOW ${quoteIdentifier(name)}`))[0]?.rows[0]?.[0];
    if (typeof value === 'string') return value;
    throw new LifeboatError('postgres.protocol', `the server did not say its ${name}`);
  }

  query(command: string): Promise<readonly QueryResult[]> {
    return runQuery(this.#wire, command);
  }

  async copyOut(command: string, handler: CopyOutHandler): Promise<void> {
    let copies = 0;
    const results = new ResultCollector();
    const emitted = () => {
      const result = results.take();
      return result ? handler.onResult(result) : undefined;
    };
    await runCommand(this.#wire, command, (type, body) => {
      switch (type) {
        case Backend.copyData:
          return pending(handler.onCopyData(body));
        case Backend.copyOutResponse:
          return pending(inOrder(emitted, () => handler.onCopyBegin(copies)));
        case Backend.copyDone:
          copies += 1;
          return pending(handler.onCopyEnd(copies - 1));
        case Backend.rowDescription:
          return pending(inOrder(emitted, () => results.begin(body)));
        case Backend.dataRow:
          results.add(body);
          return undefined;
        case Backend.commandComplete:
          return pending(emitted());
        default:
          throw unexpected(type, 'a copy');
      }
    });
  }

  startPhysicalReplication(options: StartReplication): Promise<ReplicationEnd> {
    return streamPhysical(this.#wire, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#release();
    this.#wire.close();
  }
}

async function runQuery(wire: Wire, command: string): Promise<readonly QueryResult[]> {
  const results: QueryResult[] = [];
  const collector = new ResultCollector();
  const collect = () => {
    const result = collector.take();
    if (result) results.push(result);
  };
  await runCommand(wire, command, (type, body) => {
    if (type === Backend.rowDescription) {
      collect();
      collector.begin(body);
    } else if (type === Backend.dataRow) collector.add(body);
    else if (type === Backend.commandComplete || type === Backend.emptyQuery) collect();
    else throw unexpected(type, 'a query');
    return undefined;
  });
  return results;
}

/** Runs a command until the server is ready again; its error is thrown then, and the connection stays usable. */
async function runCommand(wire: Wire, command: string, handler: MessageHandler): Promise<void> {
  let error: LifeboatError | undefined;
  wire.send(queryMessage(command));
  await wire.exchange((type, body) => {
    if (isAside(type)) return undefined;
    if (type === Backend.readyForQuery) return true;
    if (type === Backend.error) {
      error = commandError(body);
      if (error.code === 'postgres.connection-lost') throw error;
      return undefined;
    }
    return handler(type, body);
  });
  if (error) throw error;
}

function pending(done: void | Promise<void>): Promise<undefined> | undefined {
  return done ? done.then(() => undefined) : undefined;
}

function inOrder(
  first: () => void | Promise<void>,
  second: () => void | Promise<void>,
): void | Promise<void> {
  const done = first();
  return done ? done.then(second) : second();
}

function unsupported(version: number, settings: ConnectionSettings): LifeboatError {
  const place = describeConnection(settings);
  const name = `${Math.floor(version / 10_000)}.${version % 10_000}`;
  return new LifeboatError('postgres.unsupported', `${place} is PostgreSQL ${name}`, {
    hint: 'Lifeboat protects PostgreSQL 13 to 18. A newer Lifeboat may know more; what is stored already stays restorable.',
    context: { version },
  });
}
