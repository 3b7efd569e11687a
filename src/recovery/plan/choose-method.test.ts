import { describe, expect, it } from 'vitest';
import {
  databaseFacts,
  elsewhere,
  planFacts,
  proofFacts,
  serviceFacts,
  snapshotFacts,
  suspectFacts,
  uploadsFacts,
} from '../../../test/support/plan-facts.ts';
import type { LossType } from '../../config/index.ts';
import { chooseMethod } from './choose-method.ts';
import type { PlanFacts, SourceFacts } from './facts.ts';
import type { Method } from './plan.ts';

const orders = { database: 'shop', schema: 'public', name: 'orders' };
const gone = (source: Partial<SourceFacts> = {}) => databaseFacts({ server: 'down', ...source });
const type = (lossType: LossType, changes: Partial<PlanFacts> = {}): Partial<PlanFacts> => ({
  incident: { id: 'inc-1', severity: 'P1', lossType },
  ...changes,
});
const at = (time: string) => ({
  target: { target: { kind: 'time', time }, text: `as of ${time}`, time },
});
const damaged = (source: Parameters<typeof databaseFacts>[0]) => ({
  sources: [databaseFacts(source)],
});

// One line for each row of each matrix, target table, option and scenario of the runbooks, and what is chosen instead where the first
// answer cannot be had.
const rows: readonly (readonly [what: string, facts: Partial<PlanFacts>, method: Method])[] = [
  // Decision matrix: scenario, recovery method.
  [
    'accidental DELETE: rows back',
    damaged({ damage: { suspects: [suspectFacts()] } }),
    'rescue-rows',
  ],
  [
    'TRUNCATE: rows back',
    damaged({ damage: { suspects: [suspectFacts({ kind: 'truncate' })] } }),
    'rescue-rows',
  ],
  [
    'a DELETE behind a rewrite: the table from the past',
    damaged({ damage: { suspects: [suspectFacts({ action: 'restore' })] } }),
    'table-from-the-past',
  ],
  [
    'table DROP',
    damaged({ damage: { suspects: [suspectFacts({ kind: 'drop-table' })] } }),
    'table-from-the-past',
  ],
  [
    'table DROP of more than is fetched one by one: the cluster back',
    damaged({
      damage: {
        suspects: [
          suspectFacts({
            kind: 'drop-schema',
            tables: Array.from({ length: 30 }, (_, at) => ({
              ...(suspectFacts({ kind: 'drop-table' }).tables[0] as never as object),
              name: `t${at}`,
              oid: 20_000 + at,
            })) as never,
          }),
        ],
      },
    }),
    'point-in-time',
  ],
  [
    'DROP DATABASE',
    damaged({ damage: { suspects: [suspectFacts({ kind: 'drop-database' })] } }),
    'table-from-the-past',
  ],
  [
    'database corruption: restore and replay',
    damaged({ damage: { isUnreadable: true } }),
    'full-restore',
  ],
  [
    'database corruption, the server is down',
    type('corruption', { sources: [gone()] }),
    'full-restore',
  ],
  ['complete loss: another cluster answers', damaged({ server: 'other' }), 'full-restore'],
  ['complete loss: every table is gone', damaged({ damage: { isEmpty: true } }), 'full-restore'],
  // The runbook fetches tables; the damaged one would still stand where it is, for a person to replace at night.
  [
    'partial corruption: the newest state without it',
    damaged({ damage: { damagedTables: [orders] } }),
    'full-restore',
  ],

  // RTO/RPO targets: scenario, recovery method.
  [
    'corruption by what was written: to the moment before',
    type('corruption', { wish: at('2026-11-26T14:00:00.000Z') }),
    'point-in-time',
  ],
  [
    'full server failure',
    type('hardware', { sources: [gone({ ground: elsewhere })] }),
    'new-server',
  ],
  [
    'full server failure, replaced under the same name',
    type('hardware', { sources: [gone()] }),
    'full-restore',
  ],
  [
    'store of files damaged',
    {
      sources: [
        uploadsFacts({
          damage: { files: { missing: 12, changed: 3, missingPaths: [], signs: [] } },
        }),
      ],
    },
    'restore-files',
  ],
  [
    'accidental deletion of files',
    type('accidental-deletion', {
      sources: [
        uploadsFacts({
          damage: { files: { missing: 12, changed: 0, missingPaths: [], signs: [] } },
        }),
      ],
    }),
    'restore-files',
  ],
  [
    'accidental deletion of so few files that it may have been meant',
    type('accidental-deletion', { sources: [uploadsFacts({ damage: { deletedFiles: 3 } })] }),
    'restore-files',
  ],
  [
    'region-wide outage: from the copy, to another place',
    type('hardware', { sources: [gone({ server: 'unknown', ground: elsewhere })] }),
    'new-server',
  ],
  [
    'ransomware: clean restore',
    type('malicious', {
      wish: at('2026-11-26T03:00:00.000Z'),
      sources: [databaseFacts({ ground: elsewhere })],
    }),
    'clean-rebuild',
  ],

  // Options of a database failure.
  ['option A, minor: start it again', damaged({ server: 'down' }), 'restart'],
  [
    'a new and empty server that knows no role of ours',
    type('accidental-deletion', damaged({ server: 'refusing' })),
    'full-restore',
  ],
  [
    'option B, corrupt since a moment: point in time',
    { wish: at('2026-11-26T14:00:00.000Z'), sources: [databaseFacts()] },
    'point-in-time',
  ],
  [
    'option C, complete failure: full restore',
    type('storage', { sources: [gone()] }),
    'full-restore',
  ],

  // Common failures.
  ['docker compose down -v', type('accidental-deletion', { sources: [gone()] }), 'full-restore'],
  [
    'docker compose down -v, and an empty server came up',
    type('accidental-deletion', damaged({ server: 'other' })),
    'full-restore',
  ],
  [
    'corrupted files of the database',
    type('corruption', damaged({ damage: { isUnreadable: true } })),
    'full-restore',
  ],
  ['backups missing or empty, the data is there', type('backup-failure'), 'new-backup'],
  [
    'wrong images and environment',
    { services: [serviceFacts({ changes: ['image digest sha256:1 was sha256:2'] })] },
    'redeploy',
  ],

  // Procedures.
  [
    'failed migration, its moment given',
    type('failed-migration', { wish: at('2026-11-26T14:00:00.000Z') }),
    'point-in-time',
  ],
  [
    'failed migration, found in the log',
    type(
      'failed-migration',
      damaged({ damage: { suspects: [suspectFacts({ kind: 'drop-table' })] } }),
    ),
    'point-in-time',
  ],
  [
    'partial data recovery: tables are named',
    {
      wish: { ...at('2026-11-26T14:00:00.000Z'), tables: [{ schema: 'public', name: 'users' }] },
    },
    'table-from-the-past',
  ],
  [
    'partial data recovery: rows are missing without a trace, a moment is named',
    {
      ...damaged({ damage: { shortTables: [orders] } }),
      wish: { ...at('2026-11-26T14:00:00.000Z'), tables: [{ name: 'orders' }] },
    },
    'table-from-the-past',
  ],
  [
    'software bug: rows overwritten',
    type(
      'software-bug',
      damaged({ damage: { suspects: [suspectFacts({ kind: 'mass-update' })] } }),
    ),
    'table-from-the-past',
  ],
  [
    'complete system recovery',
    type('hardware', { sources: [gone({ ground: elsewhere, server: 'unknown' })] }),
    'new-server',
  ],
];

describe('the decision matrix', () => {
  it.each(rows)('%s', (_, facts, method) => {
    const chosen = chooseMethod(planFacts(facts));
    expect(chosen.method, chosen.reasons.join('\n')).toBe(method);
    expect(chosen.reasons.length).toBeGreaterThan(0);
    const methods = chosen.alternatives.map((each) => each.method);
    expect(new Set(methods).size).toBe(9);
    expect(methods).not.toContain(method);
    for (const each of chosen.alternatives) expect(each.reason).not.toBe('');
  });
});

// Where nothing can be chosen the reasons say what would change that.
const refusals: readonly (readonly [what: string, facts: Partial<PlanFacts>, reason: string])[] = [
  ['nothing was found', {}, 'nothing was found that needs a recovery of database'],
  [
    'the server lets us in no more, as one that was made anew does',
    { sources: [databaseFacts({ server: 'refusing' })] },
    'the server of database lets us in no more: if its data was made anew, say --type accidental-deletion',
  ],
  [
    'few files are gone, and nobody said that it was not meant',
    { sources: [uploadsFacts({ damage: { deletedFiles: 3 } })] },
    '3 files of uploads are not there any more: if nobody meant to delete them, say --type accidental-deletion',
  ],
  [
    'a migration failed, nobody knows when',
    type('failed-migration'),
    'nobody knows to which moment: name it with --at',
  ],
  [
    'the moment lies outside of every window',
    { wish: at('2026-10-01T00:00:00.000Z') },
    'no recovery window holds that moment',
  ],
  [
    'an intrusion, nobody knows since when',
    type('malicious', { sources: [databaseFacts({ ground: elsewhere })] }),
    'nobody knows when the intrusion began',
  ],
  [
    'an intrusion, and the ground is the same host',
    type('malicious', { wish: at('2026-11-26T03:00:00.000Z') }),
    'which is never used again after an intrusion',
  ],
  [
    'an intrusion, and the ground is another folder of the same engine',
    type('malicious', {
      wish: at('2026-11-26T03:00:00.000Z'),
      sources: [databaseFacts({ ground: { ...elsewhere, fingerprint: 'engine-1' } })],
    }),
    'which is never used again after an intrusion',
  ],
  [
    'an intrusion, and the only proof begins with a flagged snapshot',
    type('malicious', {
      wish: at('2026-11-26T03:00:00.000Z'),
      sources: [
        databaseFacts({ ground: elsewhere, snapshots: [snapshotFacts({ doubts: ['flagged'] })] }),
      ],
    }),
    'no restore point of database from before the intrusion is proven',
  ],
  [
    'an intrusion, and the only proof failed',
    type('malicious', {
      wish: at('2026-11-26T03:00:00.000Z'),
      sources: [databaseFacts({ ground: elsewhere, proofs: [proofFacts({ verdict: 'failed' })] })],
    }),
    'no restore point of database from before the intrusion is proven',
  ],
  [
    'an intrusion, and somebody would rather put rows back',
    type('malicious', {
      wish: { ...at('2026-11-26T14:00:00.000Z'), method: 'rescue-rows' },
      ...damaged({ damage: { suspects: [suspectFacts()] } }),
    }),
    'what the intruder had is not used again',
  ],
  [
    'the login is refused, and nobody has said that anything is lost',
    damaged({ server: 'refusing' }),
    'nothing was found that needs a recovery of database',
  ],
  [
    'the server is down, and nobody says what it runs as',
    { sources: [withoutService(databaseFacts({ server: 'down' }))] },
    'nobody says which service the server is',
  ],
  [
    'all is gone, and no snapshot',
    damaged({ server: 'other', snapshots: [] }),
    'no snapshot of database',
  ],
  [
    'files are to be as they were before their first snapshot',
    {
      wish: {
        target: {
          target: { kind: 'time', time: '2026-11-26T13:00:00.000Z' },
          text: '13:00',
          time: '2026-11-26T13:00:00.000Z',
        },
      },
      sources: [uploadsFacts()],
    },
    'no snapshot of uploads is from before 2026-11-26T13:00:00.000Z; the first is of 2026-11-26T14:00:00.000Z',
  ],
  [
    'backups are bad, and the data is gone too',
    type('backup-failure', damaged({ server: 'unknown' })),
    'there is nothing to back up',
  ],
];

describe('no method', () => {
  it.each(refusals)('when %s', (_, facts, reason) => {
    const chosen = chooseMethod(planFacts(facts));
    expect(chosen.method).toBeUndefined();
    expect(chosen.reasons.join('\n')).toContain(reason);
  });
});

function withoutService({ service: _, ...source }: SourceFacts): SourceFacts {
  return source;
}

describe('a choice', () => {
  it('goes just before the transaction that did it', () => {
    const facts = planFacts(
      damaged({ damage: { suspects: [suspectFacts({ kind: 'drop-table' })] } }),
    );
    expect(chooseMethod(facts).choices[0]?.moment).toMatchObject({
      target: { kind: 'lsn', lsn: '0/8000100', inclusive: false },
      time: '2026-11-26T14:29:03.000Z',
    });
  });

  it('takes the transaction that is named, not the graver one', () => {
    const small = suspectFacts({
      xid: 700,
      severity: 'medium',
      commitTime: '2026-11-26T13:00:00.000Z',
    });
    const grave = suspectFacts({ kind: 'drop-table' });
    const wish = {
      target: { target: { kind: 'xid', xid: 700 }, text: 'before 700', beforeXid: 700 },
    };
    const chosen = chooseMethod(
      planFacts({ wish, ...damaged({ damage: { suspects: [grave, small] } }) }),
    );
    expect(chosen.method).toBe('rescue-rows');
  });

  it('of a clean point takes what was proven before the intrusion, within the proof', () => {
    const sources = [databaseFacts({ ground: elsewhere })];
    const early = chooseMethod(
      planFacts(type('malicious', { sources, wish: at('2026-11-26T03:00:00.000Z') })),
    );
    expect(early.choices[0]?.moment).toMatchObject({
      target: { kind: 'time', time: '2026-11-26T02:59:59.999Z' },
      proof: 'f'.repeat(64),
    });
    const late = chooseMethod(
      planFacts(type('malicious', { sources, wish: at('2026-11-26T14:00:00.000Z') })),
    );
    expect(late.choices[0]?.moment).toMatchObject({ target: { kind: 'lsn', lsn: '0/2800000' } });
  });

  it('answers every source that is hit, the worst first', () => {
    const files = { missing: 3, changed: 0, missingPaths: [], signs: [] };
    const sources = [uploadsFacts({ damage: { files } }), databaseFacts({ server: 'other' })];
    const chosen = chooseMethod(planFacts({ sources }));
    expect(chosen.choices.map(({ source, method }) => [source, method])).toEqual([
      ['database', 'full-restore'],
      ['uploads', 'restore-files'],
    ]);
  });

  it('of dumps goes back to the one before the moment that a person names, in a server', () => {
    const ground = {
      kind: 'server' as const,
      text: 'admin@db:5432/postgres',
      host: 'db',
      isElsewhere: false,
    };
    const incident = { id: 'INC-1', lossType: 'accidental-deletion' as const };
    const kept = { kind: 'postgres-dump' as const, windows: [], proofs: [] };
    const asked = chooseMethod(
      planFacts({ incident, sources: [databaseFacts({ ...kept, ground })] }),
    );
    expect(asked.method).toBeUndefined();
    expect(asked.reasons.join()).toContain('nobody knows to which moment');
    const time = '2026-11-26T14:00:00.000Z';
    const wish = { target: { target: { kind: 'time', time }, text: time, time } };
    const chosen = chooseMethod(
      planFacts({ incident, wish, sources: [databaseFacts({ ...kept, ground })] }),
    );
    expect(chosen.method).toBe('point-in-time');
    expect(chosen.choices[0]?.moment).toMatchObject({ snapshot: 'a'.repeat(64) });
    const nowhere = chooseMethod(planFacts({ incident, wish, sources: [databaseFacts(kept)] }));
    expect(nowhere.reasons.join()).toContain('sources.database.ground');
  });

  it('does what a person asks for, or says why not', () => {
    const wish = { method: 'point-in-time' } as const;
    const suspects = [suspectFacts()];
    expect(chooseMethod(planFacts({ wish, ...damaged({ damage: { suspects } }) })).method).toBe(
      'point-in-time',
    );
    const refused = chooseMethod(planFacts({ wish }));
    expect(refused.method).toBeUndefined();
    expect(refused.reasons.at(-1)).toContain(
      'point-in-time of database cannot be done: nobody knows to which moment',
    );
  });
});
