import { assert } from '../../core/index.ts';
import { tableNameOf } from '../../sources/index.ts';
import { type DamageFinding, isDamage } from '../assess/damage/damage-finding.ts';
import type { DamageReport } from '../assess/damage/damage-report.ts';
import type { FilesDamage } from '../assess/damage/files-damage.ts';
import { foundOf } from '../assess/damage/part.ts';
import type { PostgresDamage, TableDamage } from '../assess/damage/postgres-damage.ts';
import type {
  DamageFacts,
  ServerCondition,
  ServiceFacts,
  SourceFacts,
  TableFacts,
} from './facts.ts';

type SeenSource = Pick<SourceFacts, 'server' | 'systemId' | 'damage'>;

/**
 * What a damage report says of a source, as far as a plan depends on it. What the report does not call damage (a few files that were
 * deleted, a table that shrank a little) is none here either. `service`: the one that is its server.
 */
export function damageFacts(report: DamageReport, name: string, service?: string): SeenSource {
  const damage = report.sources.find((each) => each.name === name);
  assert(damage !== undefined, `the report knows no source ${name}`);
  const findings = report.findings.filter((each) => each.source === name && isDamage(each));
  if ('files' in damage) return filesFacts(damage, findings);
  const seen = report.services.find((each) => each.name === service);
  return clusterFacts(damage, findings, foundOf(seen?.output)?.lines ?? []);
}

/** What the report could not look at: the plan may be wrong there. */
export function unseenIn({ sources }: DamageReport): readonly string[] {
  return sources.flatMap((source) => {
    const unseen = Object.entries(source).flatMap(([part, seen]) =>
      isPart(seen) && !seen.looked ? [{ part: words(part), why: seen.why }] : [],
    );
    return [...Map.groupBy(unseen, ({ why }) => why)].map(([why, all]) => {
      const parts = all.map(({ part }) => part).join(', ');
      return `${source.name}: could not look at its ${parts}: ${why}`;
    });
  });
}

/** `serverLog`: `server log`. */
function words(part: string): string {
  return part.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function isPart(value: unknown): value is { readonly looked: boolean; readonly why: string } {
  return typeof value === 'object' && value !== null && 'looked' in value;
}

/**
 * What a service is now, how it differs from its baseline, and when that was recorded. A deployment that was meant looks just the same as one that was not: what
 * differs counts where the report calls it damage, or where somebody asks for it.
 */
export function serviceState(
  report: DamageReport,
  name: string,
  isAskedFor: boolean,
): Pick<ServiceFacts, 'status' | 'changes'> & { readonly recordedAt?: string } {
  const seen = report.services.find((each) => each.name === name);
  const status = foundOf(seen?.state)?.status;
  const isTold = report.findings.some(
    (each) => each.service === name && each.kind === 'service-changed' && isDamage(each),
  );
  const compared = foundOf(seen?.baseline);
  const changes = isTold || isAskedFor ? (compared?.changes ?? []) : [];
  return {
    ...(compared?.recordedAt === undefined ? {} : { recordedAt: compared.recordedAt }),
    ...(status === undefined ? {} : { status }),
    changes: changes.map(({ text }) => text),
  };
}

const filesKinds = ['files-missing', 'files-changed', 'files-scrambled', 'path-missing'];

function filesFacts({ files }: FilesDamage, findings: readonly DamageFinding[]): SeenSource {
  const found = foundOf(files);
  const isHit = findings.some(({ kind }) => filesKinds.includes(kind));
  const damage = {
    ...sound,
    ...(found === undefined || isHit || found.missing.files === 0
      ? {}
      : { deletedFiles: found.missing.files }),
    ...(found === undefined || !isHit
      ? {}
      : {
          files: {
            missing: found.missing.files,
            changed: found.changed.files,
            missingPaths: found.missingPaths,
            signs: found.signs,
          },
        }),
  };
  return { server: 'unknown', damage };
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

function clusterFacts(
  damage: PostgresDamage,
  findings: readonly DamageFinding[],
  /** Of its server, where that is a service. */
  output: readonly string[],
): SeenSource {
  const server = foundOf(damage.server);
  const tables = foundOf(damage.tables);
  const told = new Set(findings.flatMap(({ object }) => object ?? []));
  const all = (tables?.tables ?? []).filter((each) => told.has(nameText(each)));
  const { counts } = tables ?? {};
  const wereThere = counts === undefined ? 0 : Object.entries(counts).reduce(sumOfFormer, 0);
  const missing = counts?.missing ?? 0;
  const suspects = foundOf(damage.suspects)?.suspects ?? [];
  return {
    server: conditionOf(damage, findings),
    ...(server?.systemId === undefined || server.isOtherCluster
      ? {}
      : { systemId: server.systemId }),
    damage: {
      suspects,
      missingDatabases: tables?.missingDatabases ?? [],
      missingTables: all.filter(({ change }) => change === 'missing').map(nameOf),
      shortTables: all
        .filter(({ change, isUnexplained }) => change === 'emptied' || isUnexplained === true)
        .map(nameOf),
      isEmpty: wereThere > 0 && missing === wereThere && suspects.length === 0,
      damagedTables: damagedTables(damage),
      isUnreadable: isUnreadable(damage, output),
    },
  };
}

/** All that the baseline knew: what is new was not there. */
function sumOfFormer(sum: number, [change, count]: [string, number]): number {
  return change === 'new' ? sum : sum + count;
}

function conditionOf(
  { server }: PostgresDamage,
  findings: readonly DamageFinding[],
): ServerCondition {
  if (server.looked) return server.found.isOtherCluster ? 'other' : 'up';
  if (findings.some(({ kind }) => kind === 'server-down')) return 'down';
  return findings.some(({ kind }) => kind === 'server-refuses') ? 'refusing' : 'unknown';
}

/** As findings call it. */
function nameText({ database, schema, table }: TableDamage): string {
  return tableNameOf({ database, schema, table, fromTime: '', toTime: '' });
}

function nameOf({ database, schema, table }: TableDamage): TableFacts {
  return { database, schema, name: table };
}

/** Checks name tables in one text, as `describeRelation` writes it; names with dots or quotes in them are for people to tell. */
const plainRelation = /^([^."]+)\.([^."]+)\.([^."]+)$/;
/** Of these a copy of the table helps; a broken index is made anew. */
const tableChecks = ['page-checksums', 'heap-structure', 'tables-read', 'visibility-map'];

function damagedTables(damage: PostgresDamage): readonly TableFacts[] {
  const failed = (foundOf(damage.integrity)?.checks ?? [])
    .filter(({ check, verdict }) => verdict === 'failed' && tableChecks.includes(check))
    .flatMap(({ problems }) => problems.map(({ object }) => object));
  return [...new Set(failed)].flatMap((object) => {
    const [, database, schema, name] = plainRelation.exec(object) ?? [];
    if (database === undefined || schema === undefined || name === undefined) return [];
    return [{ database, schema, name }];
  });
}

/** Corruption, or a file that should be there is not, or cannot be read. */
const unreadableStates = /^(XX...|58P01|58030)$/;
/** What a server says that does not start on its data. */
const doesNotStart = [
  /could not locate a (valid|required) checkpoint record/,
  /invalid (primary )?checkpoint record/,
  /incorrect checksum in control file/,
  /could not (open|read) file "global\/pg_control"/,
  /is not a valid data directory/,
  /invalid page in block/,
  /could not read block/,
  /database files are incompatible with server/,
];

/**
 * So much is damaged that the server does not work with it: it lets nobody in for that reason, it ends with it as it starts, or what it
 * needs itself, its system catalogs, is not sound, which no table from the past puts right.
 */
function isUnreadable(damage: PostgresDamage, output: readonly string[]): boolean {
  const { server } = damage;
  if (server.looked) return damagedTables(damage).some(({ schema }) => schema === 'pg_catalog');
  if (unreadableStates.test(server.sqlstate ?? '')) return true;
  // The newest of them: what was wrong once, and is not any more, is no reason.
  const last = output.findLast((line) => /\b(FATAL|PANIC):/.test(line));
  return last !== undefined && doesNotStart.some((text) => text.test(last));
}
