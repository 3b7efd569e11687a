import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ErrorCode,
  isLifeboatError,
  LifeboatError,
  silentProgress,
  sleep,
} from '../../../core/index.ts';
import {
  type ConnectionSettings,
  describeConnection,
  findClientPrograms,
  quoteConnectionValue,
  runClientProgram,
} from '../../../sources/index.ts';
import type { Session } from '../../rescue/session.ts';
import { quoteName, quoteText } from '../../rescue/sql-text.ts';
import type { DatabaseDelivery, DeliveryState, Ground, GroundRequest } from '../ground.ts';
import { requireToken } from '../token.ts';
import { endingOf, nameFor } from './database-names.ts';
import {
  createStatement,
  likenStatements,
  ownerStatements,
  readProperties,
} from './database-properties.ts';
import { type DeliveryNote, parseNote, withNote, withoutNote } from './delivery-note.ts';
import { type FoundNote, keptWith, notesOf, withPhase } from './found-notes.ts';
import { machinesOfServer } from './machines-of-server.ts';
import { removeDatabases } from './remove-databases.ts';
import { endSessions, inOneTransaction, openBeside } from './server-sessions.ts';
import { dropTrials } from './trial-databases.ts';

export interface ServerGroundOptions {
  readonly connection: ConnectionSettings;
  /** For dumps on their way; a folder of this host. */
  readonly scratchFolder: string;
}

interface Found {
  /** Databases that are being filled. */
  readonly filling: readonly string[];
  readonly notes: readonly FoundNote[];
  readonly databases: ReadonlySet<string>;
}

const swapAttempts = 5;

/**
 * An existing server, by connection alone. Databases are brought in by dump and put in place by renaming, all of them in one transaction:
 * half a swap cannot be. (Schemas beside the ones in use, within a database: `extract`.)
 */
export class ServerGround implements Ground<DatabaseDelivery> {
  readonly kind = 'server';
  readonly #options: ServerGroundOptions;

  constructor(options: ServerGroundOptions) {
    this.#options = options;
  }

  describe(): string {
    return `the server ${describeConnection(this.#options.connection)}`;
  }

  async identify({ signal }: GroundRequest = {}) {
    await using session = await openBeside(this.#options.connection, [], signal);
    const [row] = await session.rows<{ id: string }>(
      'select system_identifier::text as id from pg_control_system()',
    );
    const fingerprint = createHash('sha256').update(`server ${row?.id}`).digest('hex').slice(0, 32);
    return {
      text: `the server ${session.place}`,
      fingerprint,
      machines: machinesOfServer(row?.id),
    };
  }

  /** Which of its databases are those of the source nobody can tell here. */
  async contents(): Promise<undefined> {
    return undefined;
  }

  /** By connection alone it cannot be known. */
  async freeBytes(): Promise<undefined> {
    return undefined;
  }

  async state(token: string, { signal }: GroundRequest = {}): Promise<DeliveryState> {
    requireToken(token);
    await using session = await openBeside(this.#options.connection, [], signal);
    return stateOf(await find(session, token));
  }

  async fill(token: string, delivery: DatabaseDelivery, request: GroundRequest = {}) {
    requireToken(token);
    const { signal, progress = silentProgress } = request;
    await using session = await openBeside(this.#options.connection, [], signal);
    const found = await find(session, token);
    if (!['nothing', 'begun'].includes(stateOf(found))) return;
    await removeDatabases(session, found.filling, { isOurs: true, request });
    const task = 'deliver';
    progress({ type: 'begin', task, title: `loading into ${this.describe()}` });
    try {
      for (const database of delivery.databases) {
        await this.#load(session, token, database, delivery, request);
      }
      // Complete all at once: until here none of them counts.
      await inOneTransaction(session, async () => {
        for (const database of delivery.databases) {
          const name = nameFor(database, 'lifeboat', token);
          await rename(session, nameFor(database, 'filling', token), name);
          const hadFormer = found.databases.has(database);
          await note(session, name, { token, phase: 'filled', database, hadFormer });
        }
      });
    } finally {
      progress({ type: 'end', task });
    }
  }

  async swap(token: string, { signal }: GroundRequest = {}): Promise<string | undefined> {
    requireToken(token);
    const notes = await this.#notes(token, signal);
    const state = notes[0]?.note.phase;
    if (state === undefined)
      throw this.#refused('nothing complete was delivered', 'Fill it first.');
    if (state !== 'filled') return this.#formerOf(notes, token);
    const databases = notes.map(({ note }) => note.database);
    await using session = await openBeside(this.#options.connection, databases, signal);
    await this.#renameAll(session, databases, token, signal, async () => {
      const roles = await roleNames(session);
      for (const database of databases) {
        const brought = nameFor(database, 'lifeboat', token);
        const present = await readProperties(session, database);
        if (present) {
          for (const sql of likenStatements(brought, present, roles)) await session.run(sql);
          await rename(session, database, nameFor(database, 'former', token));
        }
        await rename(session, brought, database);
        const hadFormer = present !== undefined;
        const swapped = { token, phase: 'swapped', database, hadFormer } as const;
        await note(session, database, swapped, present?.comment);
      }
    });
    return await this.formerAt(token, signal ? { signal } : {});
  }

  async formerAt(token: string, { signal }: GroundRequest = {}): Promise<string | undefined> {
    requireToken(token);
    return this.#formerOf(await this.#notes(token, signal), token);
  }

  async swapBack(token: string, { signal }: GroundRequest = {}): Promise<void> {
    requireToken(token);
    const notes = await this.#notes(token, signal);
    const state = notes[0]?.note.phase;
    if (state === undefined || state === 'filled') return;
    if (state !== 'swapped') {
      throw this.#refused(
        'the former databases are given up already',
        'Restore a safety snapshot instead.',
      );
    }
    const [over] = notes.flatMap((each) => each.over ?? []);
    if (over !== undefined) {
      throw this.#refused(`what ${over} brought lies over it`, 'Swap that one back first.');
    }
    const databases = notes.map(({ note }) => note.database);
    await using session = await openBeside(this.#options.connection, databases, signal);
    await this.#renameAll(session, databases, token, signal, async () => {
      for (const { note: own } of notes) {
        const { database, hadFormer } = own;
        const brought = nameFor(database, 'lifeboat', token);
        await rename(session, database, brought);
        await note(session, brought, { token, phase: 'filled', database, hadFormer });
        if (hadFormer) await rename(session, nameFor(database, 'former', token), database);
      }
    });
  }

  async settle(token: string, request: GroundRequest = {}): Promise<void> {
    requireToken(token);
    const notes = await this.#notes(token, request.signal);
    const state = notes[0]?.note.phase;
    if (state === 'settled') return;
    if (state !== 'swapped' && state !== 'settling') {
      throw this.#refused('the databases are not in place', 'Swap them in first.');
    }
    await using session = await openBeside(this.#options.connection, [], request.signal);
    await dropTrials(session, token, request);
    await this.#renote(session, notes, 'settling');
    const formers = notes
      .filter(({ note: own }) => own.hadFormer)
      .map(({ note: own }) => nameFor(own.database, 'former', token));
    await removeDatabases(session, formers, { isOurs: false, request });
    await this.#renote(session, notes, 'settled');
  }

  /** It is a comment on the database, and harms nobody. */
  async forget(): Promise<void> {}

  async discard(token: string, request: GroundRequest = {}): Promise<void> {
    requireToken(token);
    await using session = await openBeside(this.#options.connection, [], request.signal);
    const found = await find(session, token);
    const brought = found.notes.filter(({ note: own }) => own.phase === 'filled');
    if (found.notes.length > brought.length) {
      throw this.#refused('the databases are in use', 'Swap them back first.');
    }
    await dropTrials(session, token, request);
    // From complete to begun, all at once: what is half removed must not count.
    await inOneTransaction(session, async () => {
      for (const { name, note: own } of brought) {
        await session.run(`comment on database ${quoteName(name)} is null`);
        await rename(session, name, nameFor(own.database, 'filling', token));
      }
    });
    const { filling } = await find(session, token);
    await removeDatabases(session, filling, { isOurs: true, request });
  }

  async #load(
    session: Session,
    token: string,
    database: string,
    delivery: DatabaseDelivery,
    { signal, progress = silentProgress }: GroundRequest,
  ): Promise<void> {
    const { scratchFolder } = this.#options;
    const name = nameFor(database, 'filling', token);
    const delivered = await delivery.properties(database, signal ? { signal } : {});
    const like = (await readProperties(session, database)) ?? delivered;
    const roles = await roleNames(session);
    await session.run(createStatement(name, like));
    // Only the owner's own may be made in it.
    for (const sql of ownerStatements(name, like, roles)) await session.run(sql);
    const folder = await mkdtemp(join(scratchFolder, 'lifeboat-delivery-'));
    try {
      const file = join(folder, 'dump');
      progress({ type: 'note', message: `fetching ${database}` });
      await delivery.dump(database, file, { ...(signal ? { signal } : {}), progress });
      progress({ type: 'note', message: `loading ${database}` });
      const [row] = await session.rows<{ major: number }>(
        `select current_setting('server_version_num')::int4 / 10000 as major`,
      );
      const { programsFolder } = delivery;
      const programs = await findClientPrograms(
        row?.major ?? 0,
        programsFolder === undefined ? {} : { configuredFolder: programsFolder },
      );
      await runClientProgram({
        program: programs.pgRestore,
        args: [
          '--single-transaction',
          '--exit-on-error',
          '--no-tablespaces',
          '--no-subscriptions',
          `--dbname=dbname=${quoteConnectionValue(name)}`,
          file,
        ],
        connection: { ...session.settings, database: name },
        serverOptions: '-c default_transaction_read_only=off',
        failure: 'ground.failed' satisfies ErrorCode,
        hint: 'What services use is as before. Roles and extensions that are missing there must be made first.',
        signal,
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    // What it is beside its content, now that it need not let us in any more; a database that is there gives its own when it is replaced.
    const comment = quoteText(withoutNote(delivered.comment));
    for (const sql of likenStatements(name, { ...delivered, owner: like.owner }, roles)) {
      await session.run(sql);
    }
    await session.run(`comment on database ${quoteName(name)} is ${comment}`);
  }

  #formerOf(notes: readonly FoundNote[], token: string): string | undefined {
    const names = notes
      .filter(({ note: { phase, hadFormer } }) => phase === 'swapped' && hadFormer)
      .map(({ note: { database } }) => nameFor(database, 'former', token));
    if (names.length === 0) return undefined;
    const what = names.length === 1 ? 'database' : 'databases';
    return `${what} ${names.join(', ')} on ${this.describe()}`;
  }

  /** Of the databases of this delivery that are complete, or in place. */
  async #notes(token: string, signal: AbortSignal | undefined): Promise<readonly FoundNote[]> {
    await using session = await openBeside(this.#options.connection, [], signal);
    const found = await find(session, token);
    return found.filling.length > 0 ? [] : found.notes;
  }

  /** A pooler connects again at once, so it is tried a few times. */
  async #renameAll(
    session: Session,
    databases: readonly string[],
    token: string,
    signal: AbortSignal | undefined,
    work: () => Promise<void>,
  ): Promise<void> {
    const roles = ['lifeboat', 'former'] as const;
    const names = databases.flatMap((database) => [
      database,
      ...roles.map((role) => nameFor(database, role, token)),
    ]);
    for (let attempt = 1; ; attempt++) {
      const left = await endSessions(session, names);
      try {
        return await inOneTransaction(session, work);
      } catch (error) {
        if (!isLifeboatError(error, 'postgres.query')) throw error;
        const isInUse = error.context.sqlstate === '55006';
        if (isInUse && attempt < swapAttempts) {
          await sleep(200 * attempt, signal);
          continue;
        }
        if (!isInUse) throw this.#refused(error.message, error.hint ?? 'Nothing was renamed.');
        throw new LifeboatError('target.in-use', `sessions hold ${databases.join(', ')} open`, {
          hint: 'Stop what connects there, poolers and replication too. Nothing was renamed.',
          context: { sessions: left },
          cause: error,
          retryable: true,
        });
      }
    }
  }

  /** Each where it is: a database that was replaced took its note along. What its former database alone told of older deliveries stays told. */
  async #renote(
    session: Session,
    notes: readonly FoundNote[],
    phase: DeliveryNote['phase'],
  ): Promise<void> {
    await inOneTransaction(session, async () => {
      for (const { name, note: own } of notes) {
        const { token, database } = own;
        const present = parseNote(await commentOf(session, name));
        if (present === undefined) continue;
        const taken = keptWith(await commentOf(session, nameFor(database, 'former', token)));
        await note(session, name, withPhase(present, token, phase, taken));
      }
    });
  }

  #refused(fact: string, hint: string): LifeboatError {
    return new LifeboatError('ground.failed', `${this.describe()}: ${fact}`, { hint });
  }
}

async function find(session: Session, token: string): Promise<Found> {
  const rows = await session.rows<{ name: string; comment: string | null }>(
    `select datname::text as name, shobj_description(oid, 'pg_database') as comment from pg_database order by 1`,
  );
  const filling = rows
    .map(({ name }) => name)
    .filter((name) => name.endsWith(endingOf('filling', token)));
  return { filling, notes: notesOf(token, rows), databases: new Set(rows.map(({ name }) => name)) };
}

function stateOf({ filling, notes }: Found): DeliveryState {
  if (filling.length > 0) return 'begun';
  const phase = notes[0]?.note.phase;
  if (phase === undefined) return 'nothing';
  return phase === 'settling' ? 'swapped' : phase;
}

async function rename(session: Session, from: string, to: string): Promise<void> {
  await session.run(`alter database ${quoteName(from)} rename to ${quoteName(to)}`);
}

/** Behind what people wrote there; `comment`: of the database that it takes the place of. */
async function note(
  session: Session,
  database: string,
  content: DeliveryNote,
  comment?: string | null,
): Promise<void> {
  const kept = withoutNote(comment === undefined ? await commentOf(session, database) : comment);
  const text = quoteText(withNote(kept, content));
  await session.run(`comment on database ${quoteName(database)} is ${text}`);
}

async function commentOf(session: Session, database: string): Promise<string | null> {
  const [row] = await session.rows<{ comment: string | null }>(
    `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = $1`,
    [database],
  );
  return row?.comment ?? null;
}

async function roleNames(session: Session): Promise<ReadonlySet<string>> {
  const rows = await session.rows<{ name: string }>('select rolname::text as name from pg_roles');
  return new Set(rows.map(({ name }) => name));
}
