import { parseConfiguration } from '../../src/config/index.ts';
import type {
  DamageFacts,
  LossSuspect,
  PlanFacts,
  ProofFacts,
  ServiceFacts,
  SnapshotFacts,
  SourceFacts,
} from '../../src/recovery/index.ts';

// What a plan depends on, made up: a shop with one database, one folder of uploads, one service.

export const now = '2026-11-26T14:33:15.000Z';

const bytes = 4 * 2 ** 30;

export function snapshotFacts(changes: Partial<SnapshotFacts> = {}): SnapshotFacts {
  const id = 'a'.repeat(64);
  const time = '2026-11-26T02:05:00.000Z';
  return { id, time, bytes, lsn: '0/2000000', doubts: [], durationMs: 90_000, ...changes };
}

export function proofFacts(changes: Partial<ProofFacts> = {}): ProofFacts {
  return {
    id: 'f'.repeat(64),
    time: '2026-11-26T04:01:00.000Z',
    verdict: 'passed',
    isValid: true,
    snapshot: 'a'.repeat(64),
    fromLsn: '0/2000000',
    fromTime: '2026-11-26T02:05:00.000Z',
    reachedLsn: '0/2800000',
    reachedTime: '2026-11-26T03:59:00.000Z',
    rtoMs: 95_000,
    phases: [
      { phase: 'restore', durationMs: 41_000 },
      { phase: 'replay', durationMs: 3000 },
      { phase: 'validate', durationMs: 50_000 },
    ],
    ...changes,
  };
}

const sound: DamageFacts = {
  suspects: [],
  missingDatabases: [],
  missingTables: [],
  shortTables: [],
  isEmpty: false,
  damagedTables: [],
  isUnreadable: false,
};

export function databaseFacts(
  changes: Partial<Omit<SourceFacts, 'damage'>> & { readonly damage?: Partial<DamageFacts> } = {},
): SourceFacts {
  const { damage, ...rest } = changes;
  return {
    name: 'database',
    kind: 'postgres',
    environment: 'production',
    text: 'lifeboat@db:5432/shop',
    place: { host: 'db', fingerprint: 'engine-1' },
    server: 'up',
    systemId: '7412345678901234567',
    service: 'postgres',
    database: 'shop',
    damage: { ...sound, ...damage },
    windows: [
      {
        from: '2026-11-20T02:05:00.000Z',
        to: '2026-11-26T14:33:10.000Z',
        fromLsn: '0/1000000',
        toLsn: '0/9000000',
        timeline: 1,
      },
    ],
    snapshots: [snapshotFacts()],
    proofs: [proofFacts()],
    ground: {
      kind: 'docker-volume',
      text: 'docker volume shop_db',
      host: 'db',
      fingerprint: 'engine-1',
      isElsewhere: false,
    },
    ...rest,
  };
}

export const elsewhere = {
  kind: 'ssh-host',
  text: '/srv/db on standby-1',
  host: 'standby-1',
  fingerprint: 'machine-2',
  isElsewhere: true,
} as const;

export function uploadsFacts(
  changes: Partial<Omit<SourceFacts, 'damage'>> & { readonly damage?: Partial<DamageFacts> } = {},
): SourceFacts {
  const { damage, ...rest } = changes;
  return {
    name: 'uploads',
    kind: 'files',
    environment: 'production',
    text: '/srv/uploads',
    place: { host: 'web-1', fingerprint: 'engine-1' },
    server: 'unknown',
    damage: { ...sound, ...damage },
    windows: [],
    snapshots: [snapshotFacts({ id: 'b'.repeat(64), time: '2026-11-26T14:00:00.000Z' })],
    proofs: [],
    ...rest,
  };
}

export function suspectFacts(changes: Partial<LossSuspect> = {}): LossSuspect {
  const kind = changes.kind ?? 'delete';
  const action =
    kind === 'delete'
      ? 'deleted'
      : kind === 'truncate'
        ? 'truncated'
        : kind === 'mass-update'
          ? 'updated'
          : 'dropped';
  return {
    kind,
    severity: 'critical',
    xid: 774,
    subXids: [],
    timeline: 1,
    firstLsn: '0/8000000',
    commitLsn: '0/8000100',
    commitTime: '2026-11-26T14:29:03.000Z',
    target: { lsn: '0/8000100', inclusive: false, timeline: 1 },
    tables: [
      {
        databaseOid: 16384,
        database: 'shop',
        schema: 'public',
        name: 'orders',
        oid: 16390,
        tablespaceOid: 1663,
        filenode: 16390,
        action,
        rows: 5000,
        rowsSource: 'wal',
        rowsBefore: 5000,
        deleted: 5000,
        updated: 0,
        inserted: 0,
        moved: 0,
      },
    ],
    databases: [{ oid: 16384, name: 'shop' }],
    certain: true,
    recoverable: true,
    base: { snapshot: 'a'.repeat(64), time: '2026-11-26T02:05:00.000Z' },
    action: kind === 'delete' || kind === 'truncate' ? 'rescue' : 'restore',
    reason: 'as the log tells',
    ...changes,
  };
}

export function serviceFacts(changes: Partial<ServiceFacts> = {}): ServiceFacts {
  return {
    name: 'api',
    writes: ['database', 'uploads'],
    status: 'running',
    place: { host: 'web-1', fingerprint: 'engine-1' },
    changes: [],
    environmentNames: ['DATABASE_URL', 'LOG_LEVEL', 'JWT_SECRET'],
    ...changes,
  };
}

export function planFacts(changes: Partial<PlanFacts> = {}): PlanFacts {
  return {
    time: now,
    incident: { id: 'inc-1', severity: 'P1' },
    wish: {},
    sources: [databaseFacts()],
    services: [serviceFacts()],
    measured: [],
    unseen: [],
    ...changes,
  };
}

export const planConfigurationText = `
name: shop
repositories:
  main: { location: /var/backups/lifeboat, password: { file: /etc/lifeboat/password } }
sources:
  database:
    kind: postgres
    connection: postgres://lifeboat:hunter2@db:5432/shop
    service: postgres
    ground: { kind: docker-volume, volume: shop_db }
  uploads: { kind: files, paths: [/srv/uploads] }
services:
  postgres: { platform: docker, container: shop-postgres }
  api:
    platform: docker
    container: shop-api
    writes: [database, uploads]
    after: [postgres]
    switch: { command: [point-api], undo: [point-api, --back] }
    test:
      start: [try-api]
      stop: [try-api, --stop]
      checks: ["http://127.0.0.1:9001/health"]
  worker: { platform: systemd, unit: shop-worker.service, writes: [database], after: [api] }
recovery:
  people:
    ada: { may: [execute, security-clearance] }
    grace: { may: [execute, accept-data-loss, business-continuity] }
  isolate: [{ name: firewall, command: [close-firewall] }]
  forensicCopies: [{ name: disk of db, command: [copy-disk] }]
  after:
    - { name: migrations, command: [alembic, upgrade, head] }
    - { name: cache, manual: Empty the cache of the CDN. }
  credentials: [{ name: payment API key, rotate: [rotate-payment] }, { name: mail account }]
`;

export function planConfiguration(change: (text: string) => string = (text) => text) {
  return parseConfiguration(change(planConfigurationText), '/etc/lifeboat/lifeboat.yaml', {});
}
