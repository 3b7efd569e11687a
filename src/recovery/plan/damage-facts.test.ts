import { describe, expect, it } from 'vitest';
import { suspectFacts } from '../../../test/support/plan-facts.ts';
import type { DamageFinding } from '../assess/damage/damage-finding.ts';
import type { DamageReport, SourceDamage } from '../assess/damage/damage-report.ts';
import type { Part } from '../assess/damage/part.ts';
import type { PostgresDamage, ServerState, TableDamage } from '../assess/damage/postgres-damage.ts';
import type { CheckResult } from '../validate/check.ts';
import { damageFacts, serviceState, unseenIn } from './damage-facts.ts';

const spent = { durationMs: 1, limitMs: 1000 };
const looked = <Found>(found: Found): Part<Found> => ({ looked: true, found, gaps: [], ...spent });
const blind = (code: 'postgres.unreachable' | 'postgres.refused' = 'postgres.unreachable') =>
  ({ looked: false, why: 'nobody answers', code, ...spent }) as const;
const server: ServerState = {
  version: '18.0',
  systemId: '74',
  isOtherCluster: false,
  isInRecovery: false,
  isReadOnly: false,
  databases: ['shop'],
  closed: [],
};

function database(changes: Partial<PostgresDamage> = {}): PostgresDamage {
  return {
    kind: 'postgres',
    name: 'database',
    server: looked(server),
    points: blind(),
    statements: blind(),
    sessions: blind(),
    replication: blind(),
    serverLog: blind(),
    ...changes,
  };
}

function report(
  sources: readonly SourceDamage[],
  findings: readonly DamageFinding[] = [],
): DamageReport {
  return { sources, findings, services: [] } as unknown as DamageReport;
}

const finding = (changes: Partial<DamageFinding>): DamageFinding => ({
  kind: 'suspect',
  severity: 'high',
  strength: 'certain',
  text: '',
  source: 'database',
  ...changes,
});

describe('the server', () => {
  it.each([
    ['up', database(), []],
    ['other', database({ server: looked({ ...server, isOtherCluster: true }) }), []],
    ['down', database({ server: blind() }), [finding({ kind: 'server-down' })]],
    [
      'refusing',
      database({ server: blind('postgres.refused') }),
      [finding({ kind: 'server-refuses' })],
    ],
    ['unknown', database({ server: blind() }), []],
  ] as const)('is %s', (condition, damage, findings) => {
    expect(damageFacts(report([damage], findings), 'database').server).toBe(condition);
  });

  it('of another cluster does not lend its identity', () => {
    const other = database({ server: looked({ ...server, isOtherCluster: true }) });
    expect(damageFacts(report([other]), 'database')).not.toHaveProperty('systemId');
    expect(damageFacts(report([database()]), 'database').systemId).toBe('74');
  });
});

describe('a cluster that the server does not work with', () => {
  const unreadable = (seen: Partial<PostgresDamage>, output: readonly string[] = []) => {
    const services = [{ name: 'postgres', output: looked({ lines: output }) }];
    const told = { ...report([database(seen)]), services } as unknown as DamageReport;
    return damageFacts(told, 'database', 'postgres').damage.isUnreadable;
  };
  const refused = (sqlstate: string) => ({ server: { ...blind('postgres.refused'), sqlstate } });
  const checks = (object: string) => ({
    integrity: looked({
      checks: [
        {
          check: 'heap-structure',
          verdict: 'failed',
          problems: [{ object }],
        } as unknown as CheckResult,
      ],
    }),
  });
  const panic = '2026-11-26 PANIC:  could not locate a valid checkpoint record';
  const ready = '2026-11-26 FATAL:  the database system is starting up';

  it.each([
    ['corruption', refused('XX001'), [], true],
    ['a file that is gone', refused('58P01'), [], true],
    ['a wrong password', refused('28P01'), [], false],
    ['a start that panics', { server: blind() }, [ready, panic], true],
    ['a panic of long ago', { server: blind() }, [panic, ready], false],
    ['a panic of a server that is up', {}, [panic], false],
    ['a damaged catalog', checks('shop.pg_catalog.pg_proc'), [], true],
    ['a damaged table', checks('shop.public.orders'), [], false],
  ] as const)('%s', (_, seen, output, expected) => {
    expect(unreadable(seen, output)).toBe(expected);
  });
});

describe('damage', () => {
  const table = (name: string, change: TableDamage['change']): TableDamage => ({
    database: 'shop',
    schema: 'public',
    table: name,
    oid: 1,
    change,
  });
  const counts = { same: 1, missing: 1, new: 3, emptied: 1, fewer: 1, more: 0, 'not-read': 0 };
  const tables = looked({
    missingDatabases: ['crm'],
    counts,
    tables: [table('orders', 'missing'), table('items', 'emptied'), table('logs', 'fewer')],
    drift: [],
  });

  it('is what the report calls damage, and nothing milder', () => {
    const damage = database({
      tables,
      suspects: looked({
        suspects: [suspectFacts()],
        rescued: [],
        announced: [],
        own: [],
        since: '',
        transactions: 1,
      }),
    });
    const found = damageFacts(
      report(
        [damage],
        [
          finding({ kind: 'table-missing', object: 'shop.public.orders' }),
          finding({ kind: 'table-emptied', object: 'shop.public.items', severity: 'low' }),
        ],
      ),
      'database',
    );
    expect(found.damage).toMatchObject({
      missingDatabases: ['crm'],
      missingTables: [{ database: 'shop', schema: 'public', name: 'orders' }],
      shortTables: [],
      isEmpty: false,
    });
    expect(found.damage.suspects).toHaveLength(1);
  });

  it('is everything when no table of the baseline is left', () => {
    const nothing = { ...counts, same: 0, emptied: 0, fewer: 0, missing: 4 };
    const damage = database({
      tables: looked({ missingDatabases: [], counts: nothing, tables: [], drift: [] }),
    });
    expect(damageFacts(report([damage]), 'database').damage.isEmpty).toBe(true);
  });

  it('of pages names their tables; a broken index is made anew', () => {
    const check = (name: string, object: string) => ({
      check: name,
      title: '',
      verdict: 'failed' as const,
      looked: '',
      objects: 1,
      bytes: 0,
      durationMs: 1,
      problems: [{ object, problem: 'a page with a wrong checksum' }],
      notChecked: [],
    });
    const integrity = looked({
      checks: [
        check('page-checksums', 'shop.public.orders'),
        check('page-checksums', 'shop.public.orders'),
        check('index-structure', 'shop.public.orders_pkey'),
      ],
    });
    expect(damageFacts(report([database({ integrity })]), 'database').damage.damagedTables).toEqual(
      [{ database: 'shop', schema: 'public', name: 'orders' }],
    );
  });

  it('of files counts where the report calls it damage', () => {
    const none = { files: 0, bytes: 0, examples: [] };
    const files: SourceDamage = {
      kind: 'files',
      name: 'uploads',
      points: blind(),
      files: looked({
        snapshot: { id: 'a', time: '2026-11-26T14:00:00.000Z' },
        before: { files: 1000, bytes: 1 },
        now: { files: 997, bytes: 1 },
        missingPaths: [],
        missing: { ...none, files: 3 },
        changed: none,
        added: none,
        same: 997,
        sampled: { files: 0, random: 0, wereRandom: 0 },
        signs: [],
        isWhole: true,
      }),
    };
    const told = finding({ kind: 'files-missing', source: 'uploads' });
    const few = damageFacts(report([files]), 'uploads').damage;
    expect(few.files).toBeUndefined();
    expect(few.deletedFiles).toBe(3);
    expect(damageFacts(report([files], [told]), 'uploads').damage.deletedFiles).toBeUndefined();
    expect(
      damageFacts(report([files], [{ ...told, severity: 'low' }]), 'uploads').damage.files,
    ).toBeUndefined();
    expect(damageFacts(report([files], [told]), 'uploads').damage.files).toMatchObject({
      missing: 3,
    });
  });
});

describe('what was not seen', () => {
  it('is told', () => {
    expect(unseenIn(report([database({ server: blind() })]))).toContainEqual(
      expect.stringMatching(/^database: could not look at its .*server.*: nobody answers$/),
    );
  });
});

describe('a service', () => {
  const changed = (findings: readonly DamageFinding[]): DamageReport =>
    ({
      ...report([], findings),
      services: [
        {
          name: 'api',
          platform: 'docker',
          writes: [],
          state: looked({ status: 'running', text: 'Up 3 hours' }),
          baseline: looked({
            changes: [
              { what: 'image', change: 'changed', text: 'the image is api:2, it was api:1' },
            ],
            deployments: [],
          }),
          output: blind(),
        },
      ],
    }) as unknown as DamageReport;

  it('that was deployed on purpose is not put back', () => {
    const weak = finding({ kind: 'service-changed', service: 'api', strength: 'weak' });
    expect(serviceState(changed([weak]), 'api', false)).toEqual({ status: 'running', changes: [] });
    expect(serviceState(changed([weak]), 'api', true).changes).toHaveLength(1);
    const likely = finding({ kind: 'service-changed', service: 'api', strength: 'likely' });
    expect(serviceState(changed([likely]), 'api', false).changes).toEqual([
      'the image is api:2, it was api:1',
    ]);
  });
});
