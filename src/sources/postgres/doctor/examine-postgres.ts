import { tmpdir } from 'node:os';
import { isLifeboatError, type LifeboatError } from '../../../core/index.ts';
import type { Finding } from '../../source.ts';
import {
  type ConnectionSettings,
  describeConnection,
  preferPrimary,
} from '../connection-settings.ts';
import { findClientPrograms } from '../dump/index.ts';
import { connectReplication } from '../protocol/connect-replication.ts';
import { findServerPrograms } from '../server/index.ts';
import { connectSql } from '../sql-connection.ts';
import { lookAtSlot } from '../stream/slot-look.ts';
import type { SynchronousLevel } from '../stream/synchronous.ts';
import { examineOtherHosts } from './examine-hosts.ts';
import { ok, problem, warning } from './finding.ts';
import { judgeDataFolder } from './judge-data-folder.ts';
import { judgeLibraries } from './judge-libraries.ts';
import { judgeRescueRole } from './judge-role.ts';
import { judgeRoom } from './judge-room.ts';
import { judgeServer } from './judge-server.ts';
import { judgeWaiting } from './judge-synchronous.ts';
import { readServerFacts, type ServerFacts } from './server-facts.ts';

const spoolRoomBytes = 2 ** 30;

export interface ExamineOptions {
  readonly connection: ConnectionSettings;
  /** What `rescue` writes with, when it is another role. */
  readonly rescueConnection?: ConnectionSettings;
  readonly slot: string;
  /** What commits are meant to wait for. */
  readonly synchronous?: SynchronousLevel;
  readonly spoolFolder: string;
  readonly scratchFolder?: string;
  readonly programsFolder?: string;
  /** Throws when what is stored under the name of the source is of another cluster. */
  readonly requireStored?: (found: { readonly systemId: string }) => void;
  readonly signal?: AbortSignal;
}

/** Looks at everything that protecting and recovering a cluster depends on. Changes nothing. */
export async function examinePostgres(options: ExamineOptions): Promise<readonly Finding[]> {
  const { connection, rescueConnection, slot, signal } = options;
  const findings: Finding[] = [];
  const asked = await attempt(findings, 'connection', 'problem', () =>
    askServer(connection, slot, signal),
  );
  if (asked) {
    const { facts, settings, now } = asked;
    findings.push(ok('connection', `${describeConnection(settings)} answers`));
    await attempt(findings, 'cluster', 'problem', async () => options.requireStored?.(facts));
    findings.push(...judgeServer(facts, slot, now));
    const room = await judgeDataFolder(facts);
    if (room) findings.push(room);
    findings.push(...(await examineSynchronous(options, settings)));
    if (facts.mayReplicate) findings.push(...(await examineReplication(settings, signal)));
    findings.push(...(await examineOtherHosts(connection, settings, facts.systemId, signal)));
    findings.push(...(await examineScratch(options, facts)));
    if (!rescueConnection) findings.push(judgeRescueRole(facts));
  }
  if (rescueConnection) {
    const rescue = await attempt(findings, 'rescue connection', 'warning', () =>
      askServer(preferPrimary(rescueConnection), slot, signal),
    );
    if (rescue) {
      findings.push(ok('rescue connection', `${describeConnection(rescue.settings)} answers`));
      findings.push(judgeRescueRole(rescue.facts));
      if (asked && asked.facts.systemId !== rescue.facts.systemId) {
        findings.push(otherCluster(rescue, asked.facts));
      }
    }
  }
  findings.push(
    await judgeRoom('room for the spool', options.spoolFolder, spoolRoomBytes, 'the WAL spool'),
  );
  return findings;
}

interface Asked {
  readonly facts: ServerFacts;
  /** Of the server that answered. */
  readonly settings: ConnectionSettings;
  readonly now: Date;
}

async function askServer(
  settings: ConnectionSettings,
  slot: string,
  signal: AbortSignal | undefined,
): Promise<Asked> {
  await using connection = await connectSql(settings, signal ? { signal } : {});
  const beforeMs = Date.now();
  const facts = await readServerFacts(connection, slot, signal);
  return { facts, settings: connection.settings, now: nearest(facts, beforeMs) };
}

/** Our time when the server told its own, as far as it is known: the moment between question and answer that fits best. */
function nearest({ clock }: ServerFacts, beforeMs: number): Date {
  return new Date(Math.min(Math.max(clock.getTime(), beforeMs), Date.now()));
}

function otherCluster({ facts: found, settings }: Asked, wanted: ServerFacts): Finding {
  return problem(
    'rescue connection',
    `${describeConnection(settings)} is cluster ${found.systemId}, the source is cluster ${wanted.systemId}`,
    'Name a server of the same cluster below `rescue:` in lifeboat.yaml.',
  );
}

async function examineSynchronous(
  { slot, synchronous, signal }: ExamineOptions,
  settings: ConnectionSettings,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const finding = await attempt(findings, 'synchronous', 'warning', async () => {
    await using sql = await connectSql(settings, signal ? { signal } : {});
    return judgeWaiting(await lookAtSlot(sql, slot), synchronous, slot);
  });
  return finding ? [finding] : findings;
}

/** pg_hba.conf has lines of its own for replication, so only trying tells. */
async function examineReplication(
  settings: ConnectionSettings,
  signal: AbortSignal | undefined,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const answered = await attempt(findings, 'replication connection', 'problem', async () => {
    await using replication = await connectReplication(settings, signal ? { signal } : {});
    return await replication.identifySystem();
  });
  if (answered) findings.push(ok('replication connection', `cluster ${answered.systemId} answers`));
  return findings;
}

/** Whether a recovery could start a server here and now. */
async function examineScratch(options: ExamineOptions, facts: ServerFacts): Promise<Finding[]> {
  const findings: Finding[] = [];
  const major = Math.floor(facts.version / 10_000);
  const { programsFolder } = options;
  const programs = await attempt(findings, 'server programs', 'problem', () =>
    findServerPrograms(major, programsFolder ? { configuredFolder: programsFolder } : {}),
  );
  if (programs) {
    const fact = `PostgreSQL ${programs.version} in ${programs.folder} for scratch servers`;
    findings.push(ok('server programs', fact));
    const libraries = await judgeLibraries(programs, facts.libraries);
    if (libraries) findings.push(libraries);
  }
  // Rows come back without them; only `extract` needs them.
  const clients = await attempt(findings, 'client programs', 'warning', () =>
    findClientPrograms(major, programsFolder ? { configuredFolder: programsFolder } : {}),
  );
  if (clients) {
    findings.push(ok('client programs', `pg_dump ${clients.version} for \`extract\``));
  }
  const folder = options.scratchFolder ?? tmpdir();
  const needed = facts.sizeBytes * 1.2;
  findings.push(await judgeRoom('room for scratch', folder, needed, 'a scratch server'));
  return findings;
}

/** Turns an error into a finding. Being cancelled is no finding. */
async function attempt<Result>(
  findings: Finding[],
  check: string,
  outcome: 'warning' | 'problem',
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!isLifeboatError(error) || error.code === 'cancelled' || error.code === 'bug') throw error;
    findings.push(describeError(check, outcome, error));
    return undefined;
  }
}

function describeError(
  check: string,
  outcome: 'warning' | 'problem',
  { message, hint }: LifeboatError,
): Finding {
  const make = outcome === 'problem' ? problem : warning;
  return make(check, message, hint ?? 'Correct this and run `lifeboat doctor` again.');
}
