import { describe, expect, it } from 'vitest';
import { changeOf, closingSql, reopeningSql } from './database-change.ts';
import type { DatabaseState } from './database-state.ts';

const [owner, app, report, lifeboat] = [10, 11, 12, 13];
const names = new Map([
  [owner, 'owner'],
  [app, 'app'],
  [report, 'report'],
  [lifeboat, 'lifeboat'],
]);
const nameOf = (oid: number) => names.get(oid);
const quote = (name: string) => `"${name}"`;
const right = (grantor: number, grantee: number, isGrantable = false) => ({
  grantor,
  grantee,
  isGrantable,
});
const state: DatabaseState = {
  oid: 5,
  name: 'shop',
  owner,
  ownerName: 'owner',
  mayAlter: true,
  readOnly: null,
  acl: null,
  connectionLimit: -1,
  connects: [right(owner, owner), right(owner, app, true), right(app, report), right(owner, 0)],
};
const limited = [{ oid: lifeboat, name: 'lifeboat', isSuperuser: false }];
const superuser = [{ oid: lifeboat, name: 'lifeboat', isSuperuser: true }];
const former = { readOnly: null, acl: null, connectionLimit: -1 };
const closing = (seen: DatabaseState, roles = limited) =>
  closingSql(seen, changeOf(seen, roles, undefined), nameOf, quote);

describe('closing a database', () => {
  it('takes rights in the order in which that is possible, and leaves room for a role of ours', () => {
    expect(closing(state)).toEqual([
      'ALTER DATABASE "shop" SET default_transaction_read_only = on',
      'GRANT CONNECT ON DATABASE "shop" TO "lifeboat"',
      'SET LOCAL ROLE "app"',
      'REVOKE CONNECT ON DATABASE "shop" FROM "report"',
      'RESET ROLE',
      'REVOKE CONNECT ON DATABASE "shop" FROM "app"',
      'REVOKE CONNECT ON DATABASE "shop" FROM PUBLIC',
      'REVOKE CONNECT ON DATABASE "shop" FROM "owner"',
      'ALTER DATABASE "shop" CONNECTION LIMIT 10',
    ]);
  });

  it('needs no room for a superuser, and never widens a limit', () => {
    expect(closing(state, superuser).at(-1)).toBe('ALTER DATABASE "shop" CONNECTION LIMIT 0');
    const narrow = { ...state, connectionLimit: 3 };
    expect(closing(narrow).filter((sql) => sql.includes('LIMIT'))).toEqual([]);
  });

  it('does nothing twice, and adds what has come since to what was taken before', () => {
    const change = changeOf(state, limited, undefined);
    const closed = {
      ...state,
      readOnly: 'on',
      connectionLimit: 10,
      connects: [right(owner, lifeboat)],
    };
    expect(changeOf(closed, limited, change)).toEqual(change);
    expect(closingSql(closed, change, nameOf, quote)).toEqual([]);
    const opened = { ...closed, connects: [...closed.connects, right(owner, report)] };
    const more = changeOf(opened, limited, change);
    expect(more.revoke).toEqual([...change.revoke, right(owner, report)]);
    expect(closingSql(opened, more, nameOf, quote)).toEqual([
      'REVOKE CONNECT ON DATABASE "shop" FROM "report"',
    ]);
  });
});

describe('opening it again', () => {
  const change = changeOf(state, limited, undefined);
  const reopening = (seen: DatabaseState, was: { readonly readOnly: string | null } = former) =>
    reopeningSql(
      seen,
      { change, former: { ...former, ...was } },
      nameOf,
      quote,
      (text) => `'${text}'`,
    );

  it('gives rights back in the opposite order, by those who gave them', () => {
    const closed = {
      ...state,
      readOnly: 'on',
      connectionLimit: 10,
      connects: [right(owner, lifeboat)],
    };
    expect(reopening(closed)).toEqual({
      parts: [
        ['ALTER DATABASE "shop" RESET default_transaction_read_only'],
        ['ALTER DATABASE "shop" CONNECTION LIMIT -1'],
        ['GRANT CONNECT ON DATABASE "shop" TO "owner"'],
        ['GRANT CONNECT ON DATABASE "shop" TO PUBLIC'],
        ['GRANT CONNECT ON DATABASE "shop" TO "app" WITH GRANT OPTION'],
        ['SET LOCAL ROLE "app"', 'GRANT CONNECT ON DATABASE "shop" TO "report"', 'RESET ROLE'],
        ['REVOKE CONNECT ON DATABASE "shop" FROM "lifeboat"'],
      ],
      notes: [],
    });
    expect(reopening(closed, { readOnly: 'off' }).parts[0]).toEqual([
      `ALTER DATABASE "shop" SET default_transaction_read_only = 'off'`,
    ]);
  });

  it('does nothing where a freeze has not come that far', () => {
    expect(reopening(state)).toEqual({ parts: [], notes: [] });
  });

  it('leaves what somebody changed since, and says so', () => {
    const changed = { ...state, connectionLimit: 3 };
    expect(reopening(changed)).toEqual({
      parts: [],
      notes: ['the connection limit of shop was changed since to 3: it stays'],
    });
  });
});
