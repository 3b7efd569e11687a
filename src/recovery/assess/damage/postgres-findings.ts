import { formatBytes, formatCount } from '../../../core/index.ts';
import { type Drift, describeDrift, matchesTable, tableNameOf } from '../../../sources/index.ts';
import type { LossSuspect } from '../loss-report.ts';
import type { DamageFinding } from './damage-finding.ts';
import { foundOf, type Part } from './part.ts';
import { pointFindings } from './point-findings.ts';
import type { PostgresDamage, ServerState, TableDamage, TablesFound } from './postgres-damage.ts';

/** Fewer rows are ordinary work, unless a table is gone or empty. */
const fewRows = 50;
const fewRowsOfEmptied = 10;
const fewBytes = 16 * 2 ** 20;

/** Of the configuration: which falls of tables are told. */
interface Limits {
  /** Default: a tenth. */
  readonly dropAtMost?: number;
  readonly ignore?: readonly string[];
}

/** What the parts of a PostgreSQL source show. */
export function postgresFindings(damage: PostgresDamage, limits: Limits): readonly DamageFinding[] {
  const source = damage.name;
  const tables = foundOf(damage.tables);
  const found: Omit<DamageFinding, 'source'>[] = [
    ...serverFindings(damage.server),
    ...(tables ? tableFindings(tables, limits) : []),
    ...(foundOf(damage.suspects)?.suspects ?? []).map(suspectFinding),
    ...integrityFindings(damage),
    ...statementFindings(damage),
    ...replicationFindings(damage),
    ...logFindings(damage),
    ...pointFindings(damage.points),
  ];
  return found.map((each) => ({ ...each, source }));
}

type Found = Omit<DamageFinding, 'source'>;

function serverFindings(part: Part<ServerState>): readonly Found[] {
  if (part.looked) {
    const { isOtherCluster, isReadOnly, isInRecovery } = part.found;
    const seen: Found[] = [];
    if (isOtherCluster) {
      seen.push({
        kind: 'other-cluster',
        severity: 'critical',
        strength: 'certain',
        text: 'the server is not the cluster that was backed up: its data directory was made anew, or the address leads elsewhere',
      });
    }
    if (isReadOnly && !isInRecovery) {
      seen.push({
        kind: 'server-read-only',
        severity: 'low',
        strength: 'certain',
        text: 'new transactions may not write (default_transaction_read_only)',
      });
    }
    return seen;
  }
  const { code, why } = part;
  if (code === 'postgres.refused' || code === 'postgres.untrusted') {
    return [{ kind: 'server-refuses', severity: 'medium', strength: 'certain', text: why }];
  }
  if (code === 'postgres.unreachable' || code === 'assess.timeout') {
    return [
      {
        kind: 'server-down',
        severity: 'high',
        strength: 'certain',
        text: `the server does not answer: ${why}`,
      },
    ];
  }
  if (
    code === 'postgres.connection-lost' ||
    code === 'postgres.query' ||
    code === 'postgres.protocol'
  ) {
    return [
      {
        kind: 'server-down',
        severity: 'high',
        strength: 'certain',
        text: `the server is half broken: ${why}`,
      },
    ];
  }
  return [];
}

function tableFindings(
  { missingDatabases, tables, drift, baseline, countedAt }: TablesFound,
  { dropAtMost = 0.1, ignore = [] }: Limits,
): readonly Found[] {
  const when = {
    ...(baseline === undefined ? {} : { since: baseline.time }),
    ...(countedAt === undefined ? {} : { at: countedAt }),
  };
  const found: Found[] = missingDatabases.map((name) => ({
    kind: 'database-missing',
    severity: 'critical',
    strength: 'certain',
    text: `the database ${name} is gone`,
    object: name,
    ...when,
  }));
  const told = new Set<string>();
  for (const table of tables) {
    const finding = tableFinding(table, dropAtMost);
    if (finding === undefined || missingDatabases.includes(table.database)) continue;
    if (ignore.some((pattern) => matchesTable(pattern, table))) continue;
    told.add(tableNameOf(driftName(table)));
    found.push({ ...finding, object: tableNameOf(driftName(table)), ...when });
  }
  const more = drift.filter((each) => !told.has(tableNameOf(each)));
  return [...found, ...more.map(driftFinding)];
}

function driftName({ database, schema, table }: TableDamage) {
  const none = { fromTime: '', toTime: '' };
  return { database, schema, table, ...none };
}

function tableFinding(each: TableDamage, dropAtMost: number): Found | undefined {
  const name = tableNameOf(driftName(each));
  const { change, before, now, expectedRows } = each;
  const [from, to] = [before?.rows ?? 0, now?.rows ?? 0];
  if (each.isUnexplained && expectedRows !== undefined) {
    return {
      kind: 'rows-unexplained',
      severity: 'critical',
      strength: 'likely',
      text: `${name} has ${formatCount(to)} rows where the log accounts for ${formatCount(expectedRows)}: the others went without a trace in it`,
    };
  }
  if (each.isUnlogged) return undefined;
  if (change === 'missing') {
    const severity = from >= fewRowsOfEmptied || before?.rows === undefined ? 'high' : 'medium';
    return {
      kind: 'table-missing',
      severity,
      strength: 'certain',
      text: `${name} is gone; it had ${rowsText(each)}`,
    };
  }
  if (change === 'emptied') {
    const severity = from >= fewRowsOfEmptied ? 'high' : 'low';
    return {
      kind: 'table-emptied',
      severity,
      strength: 'certain',
      text: `${name} is empty; it had ${rowsText(each)}`,
    };
  }
  if (change !== 'fewer') return undefined;
  const isCounted = before?.rowsExact === true && now?.rowsExact === true;
  const lost = isCounted ? from - to : (before?.bytes ?? 0) - (now?.bytes ?? 0);
  const all = isCounted ? from : (before?.bytes ?? 0);
  if (lost <= all * dropAtMost) return undefined;
  const isFew = lost < (isCounted ? fewRows : fewBytes);
  // A few files of a table come and go; a few rows of a small one may be most of it.
  if (isFew && !isCounted) return undefined;
  const amount = isCounted
    ? `${formatCount(to)} rows of ${formatCount(from)}`
    : `${formatBytes(now?.bytes ?? 0)} of ${formatBytes(all)}`;
  const severity = isFew ? 'low' : lost > all / 2 ? 'high' : 'medium';
  return { kind: 'rows-fewer', severity, strength: 'certain', text: `${name} has ${amount} left` };
}

function rowsText({ before }: TableDamage): string {
  if (before?.rows === undefined) return 'an unknown number of rows';
  const about = before.rowsExact ? '' : 'about ';
  return `${about}${formatCount(before.rows)} ${before.rows === 1 ? 'row' : 'rows'}`;
}

function driftFinding(drift: Drift): Found {
  const strength = drift.kind === 'stale' || drift.kind === 'deletions' ? 'likely' : 'certain';
  return {
    kind: 'drift',
    severity: drift.kind === 'stale' ? 'low' : 'medium',
    strength,
    text: `${describeDrift(drift, (moment) => moment.toISOString())}; nobody announced it`,
    object: tableNameOf(drift),
    since: drift.fromTime,
    at: drift.toTime,
  };
}

const titles: Record<LossSuspect['kind'], string> = {
  'drop-database': 'dropped a database',
  'drop-schema': 'dropped a schema',
  'drop-table': 'dropped tables',
  truncate: 'emptied tables by TRUNCATE',
  delete: 'deleted rows',
  'mass-update': 'overwrote rows',
};

function suspectFinding(suspect: LossSuspect): Found {
  const { kind, xid, severity, certain, tables, databases, commitTime } = suspect;
  const names = [
    ...databases.map(({ name, oid }) => name ?? `database ${oid}`),
    ...tables.map(({ database, schema, name, oid, rows }) => {
      const table =
        name === null
          ? `a table without a name (oid ${oid ?? '?'})`
          : `${database}.${schema}.${name}`;
      return rows === null ? table : `${table} (${formatCount(rows)} rows)`;
    }),
  ];
  const shown = names.slice(0, 3).join(', ');
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return {
    kind: 'suspect',
    severity: isMostOfIt(suspect) ? 'medium' : severity,
    // That it did so is certain; that it was not meant is not.
    strength: certain ? 'likely' : 'weak',
    text: `transaction ${xid} ${titles[kind]}: ${shown}${more}`,
    ...(names[0] === undefined ? {} : { object: names[0].replace(/ \([\d,. ]+ rows\)$/, '') }),
    at: commitTime,
  };
}

/** An UPDATE is ordinary work, until it takes half of a table that is no small one. */
function isMostOfIt({ kind, tables }: LossSuspect): boolean {
  if (kind !== 'mass-update') return false;
  return tables.some(({ rows, rowsBefore }) => {
    return rows !== null && rows >= 100 && rows >= (rowsBefore ?? Number.POSITIVE_INFINITY) / 2;
  });
}

function integrityFindings({ integrity }: PostgresDamage): readonly Found[] {
  const found = foundOf(integrity);
  if (found === undefined) return [];
  const now = found.checks.flatMap(({ check, problems, moreProblems = 0 }): Found[] => {
    const isPage = check === 'page-checksums';
    const kind = isPage
      ? 'damaged-page'
      : check === 'indexes-valid'
        ? 'invalid-index'
        : 'integrity';
    const severity = isPage ? 'critical' : 'medium';
    const told = problems.slice(0, 10).map(({ object, problem }): Found => {
      return { kind, severity, strength: 'certain', text: `${object}: ${problem}`, object };
    });
    const more = problems.length - told.length + moreProblems;
    if (more === 0) return told;
    return [...told, { kind, severity, strength: 'certain', text: `and ${more} more of ${check}` }];
  });
  const { lastCheck } = found;
  if (lastCheck?.verdict !== 'failed') return now;
  const text =
    'the last full check of the live server found problems (`lifeboat integrity` looks again)';
  return [
    ...now,
    { kind: 'integrity', severity: 'medium', strength: 'likely', text, at: lastCheck.time },
  ];
}

function statementFindings({ statements, sessions }: PostgresDamage): readonly Found[] {
  const ran = (foundOf(statements)?.statements ?? []).slice(0, 5).map(
    ({ user, database, calls, rows, query }): Found => ({
      kind: 'destructive-statement',
      severity: 'low',
      strength: 'weak',
      text: `${user} ran in ${database}, ${calls} times, ${formatCount(rows)} rows in all: ${query}`,
    }),
  );
  const running = (foundOf(sessions)?.sessions ?? [])
    .filter(({ isDestructive }) => isDestructive)
    .map(
      ({ pid, user, database, query, transactionStart }): Found => ({
        kind: 'destructive-session',
        severity: 'high',
        strength: 'likely',
        text: `session ${pid} of ${user} in ${database} is at it now, not committed: ${query}`,
        ...(transactionStart === undefined ? {} : { at: transactionStart }),
      }),
    );
  return [...running, ...ran];
}

function replicationFindings({ replication }: PostgresDamage): readonly Found[] {
  const found = foundOf(replication);
  const isAlone = found?.isStandby === true && found.receives?.state !== 'streaming';
  const alone: Found = {
    kind: 'replication',
    severity: 'low',
    strength: 'certain',
    text: `this standby receives nothing from its primary (${found?.receives?.state}): it may be behind`,
  };
  const broken = (found?.slots ?? [])
    .filter(({ walStatus }) => walStatus === 'lost' || walStatus === 'unreserved')
    .map(
      ({ name, walStatus }): Found => ({
        kind: 'replication',
        severity: 'medium',
        strength: 'certain',
        text: `the slot ${name} is ${walStatus}: whoever reads from it has a gap`,
        object: name,
      }),
    );
  return isAlone ? [...broken, alone] : broken;
}

/** What a server writes when its data is damaged; every ERROR of an application is none. */
const damageWords =
  /invalid page|page verification failed|could not read block|could not (open|write to|fsync) file|checksum|PANIC|unexpected zero page|missing chunk|compressed data is corrupt|terminated by signal/i;

function logFindings({ serverLog }: PostgresDamage): readonly Found[] {
  const excerpt = foundOf(serverLog);
  const lines = (excerpt?.lines ?? []).filter((line) => damageWords.test(line));
  const last = lines.at(-1);
  if (last === undefined) return [];
  const text = `the server's log speaks of damage (${lines.length} lines): ${last}`;
  return [{ kind: 'server-log', severity: 'high', strength: 'likely', text }];
}
