import { PageCheckThread } from '../../sources/index.ts';
import { openSession, type Session } from '../rescue/session.ts';
import type { Place, Role } from './place.ts';

/** What one worker works with: its connection, which is kept until another database or role is wanted, and a thread. */
export class Desk implements AsyncDisposable {
  readonly place: Place;
  readonly signal: AbortSignal | undefined;
  #open: { readonly key: string; readonly session: Session } | undefined;
  #pages: PageCheckThread | undefined;

  constructor(place: Place, signal: AbortSignal | undefined) {
    this.place = place;
    this.signal = signal;
  }

  get pages(): PageCheckThread {
    this.#pages ??= new PageCheckThread({ pageSizeBytes: this.place.pageSizeBytes });
    return this.#pages;
  }

  async session(database: string, role: Role = 'superuser'): Promise<Session> {
    const key = `${role} ${database}`;
    if (this.#open?.key === key) return this.#open.session;
    await this.leave();
    const session = await openSession(this.place.connection(database, role), this.signal);
    this.#open = { key, session };
    await session.run(settingsOf(this.place, role));
    return session;
  }

  /** Ends the connection, for example after an error that may have left it in any state. */
  async leave(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.session[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
    await this.#pages?.[Symbol.asyncDispose]();
  }
}

/** The superuser of a copy makes extensions there; everybody else only reads. */
function settingsOf({ kind, isKept, statementLimitMs }: Place, role: Role): string {
  const purpose = kind === 'live' ? 'integrity' : isKept ? 'validation' : 'proof';
  const name = `set application_name = 'lifeboat ${purpose}'; set statement_timeout = ${statementLimitMs}`;
  if (kind === 'live') {
    return `${name}; set default_transaction_read_only = on; set lock_timeout = '2s'`;
  }
  if (isKept) {
    // A transaction that was prepared before holds its locks, and nobody will end it here.
    return `${name}; set default_transaction_read_only = on; set lock_timeout = '5s'`;
  }
  const writes = role === 'superuser' ? 'off' : 'on';
  return `${name}; set default_transaction_read_only = ${writes}`;
}
