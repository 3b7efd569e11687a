import { holdsFiles, type LossType } from '../../config/index.ts';
import type { IncidentFacts, PlanFacts, ServerCondition, SourceFacts } from './facts.ts';
import { describeForeign } from './foreign-cluster.ts';
import { goneFrom } from './gone-from.ts';
import { relevantSuspects } from './relevant-suspects.ts';
import { type SeenSituation, type Situation, situations } from './situation.ts';

type Rule = (source: SourceFacts, facts: PlanFacts) => string | undefined;

/** What shows each situation; undefined: nothing does. Pure: they see nothing but the facts. */
const rules: Readonly<Record<Situation, Rule>> = {
  intrusion: (_, { incident }) => looksLike(incident, 'malicious'),
  'host-lost': ({ server, damage, kind }, { incident }) => {
    const evidence = said(incident, 'hardware');
    if (evidence === undefined) return undefined;
    if (holdsFiles(kind)) {
      return (damage.files?.missingPaths.length ?? 0) > 0 ? evidence : undefined;
    }
    return server === 'down' || server === 'unknown'
      ? `${evidence}, and nobody answers`
      : undefined;
  },
  'data-gone': (source, { incident }) => {
    const { server, damage, kind } = source;
    if (holdsFiles(kind)) return undefined;
    if (server === 'other') return describeForeign(source);
    if (server === 'up' && damage.isEmpty) return 'no table of the last baseline is there any more';
    const gone = goneFrom(source);
    if (gone !== undefined) return gone;
    const evidence = said(incident, 'accidental-deletion') ?? said(incident, 'storage');
    return evidence !== undefined && isAway(server)
      ? `${evidence}, and the server lets nobody in`
      : undefined;
  },
  corrupted: ({ damage, server, kind }, { incident }) => {
    if (holdsFiles(kind)) return undefined;
    if (damage.isUnreadable) return 'the server does not work with the data that is there';
    const evidence = looksLike(incident, 'corruption') ?? said(incident, 'storage');
    return evidence !== undefined && isAway(server)
      ? `${evidence}, and the server lets nobody in`
      : undefined;
  },
  'migration-failed': ({ kind }, { incident }) =>
    holdsFiles(kind) ? undefined : said(incident, 'failed-migration'),
  'database-dropped': (source, facts) => suspected(source, facts, 'drop-database'),
  'moment-named': (_, { wish }) => {
    // Before a transaction: what that transaction did says more.
    if (wish.target === undefined || wish.target.beforeXid !== undefined) return undefined;
    return `a moment was named: ${wish.target.text}`;
  },
  'table-dropped': (source, facts) =>
    suspected(source, facts, 'drop-table') ?? suspected(source, facts, 'drop-schema'),
  'part-corrupted': ({ damage: { damagedTables }, server }) =>
    server === 'up' && damagedTables.length > 0
      ? `damaged: ${damagedTables.map(nameOf).join(', ')}`
      : undefined,
  'rows-overwritten': (source, facts) => suspected(source, facts, 'mass-update'),
  'rows-deleted': (source, facts) =>
    suspected(source, facts, 'delete') ?? suspected(source, facts, 'truncate'),
  'rows-missing': (source, facts) => {
    if (source.kind === 'postgres-dump') {
      const evidence = said(facts.incident, 'accidental-deletion');
      if (evidence === undefined || source.server !== 'up') return undefined;
      return `${evidence}, and dumps have no log that tells what was deleted`;
    }
    const { missingTables, shortTables, missingDatabases } = source.damage;
    const all = [...missingDatabases, ...[...missingTables, ...shortTables].map(nameOf)];
    if (holdsFiles(source.kind) || all.length === 0) return undefined;
    if (relevantSuspects(source, facts.wish).length > 0) return undefined;
    return `missing or short of rows, and nothing in the log explains it: ${all.join(', ')}`;
  },
  'files-damaged': ({ damage: { files, deletedFiles = 0 } }, { incident }) => {
    if (files === undefined) {
      const evidence = said(incident, 'accidental-deletion');
      if (evidence === undefined || deletedFiles === 0) return undefined;
      return `${evidence}, and ${deletedFiles} files of the newest snapshot are not there`;
    }
    const { missing, changed, missingPaths, signs } = files;
    if (missing + missingPaths.length + signs.length === 0) return undefined;
    return [
      ...missingPaths.map((path) => `${path} is not there`),
      `${missing} files are missing, ${changed} differ`,
      ...signs,
    ].join('; ');
  },
  'server-down': ({ server, kind, text }) => {
    if (holdsFiles(kind)) return undefined;
    return server === 'down' ? `nobody answers at ${text}` : undefined;
  },
  'deploy-wrong': ({ name }, { services }) => {
    const changed = services.filter((each) => each.changes.length > 0 && concerns(each, name));
    if (changed.length === 0) return undefined;
    return changed.map((each) => `${each.name}: ${each.changes.join(', ')}`).join('; ');
  },
  'backups-bad': (_, { incident }) => looksLike(incident, 'backup-failure'),
};

/** What has happened to a source, the gravest first. */
export function findSituations(source: SourceFacts, facts: PlanFacts): readonly SeenSituation[] {
  return situations.flatMap((situation) => {
    const evidence = rules[situation](source, facts);
    return evidence === undefined ? [] : [{ situation, source: source.name, evidence }];
  });
}

function said({ lossType, isGuess }: IncidentFacts, type: LossType): string | undefined {
  return lossType === type && !isGuess ? `the incident says ${words(type)}` : undefined;
}

/** Where a guess is safe to follow: at worst it asks for more care than was needed. */
function looksLike(incident: IncidentFacts, type: LossType): string | undefined {
  if (incident.lossType !== type) return undefined;
  return incident.isGuess ? `it looks like ${words(type)}` : said(incident, type);
}

function words(type: LossType): string {
  return type.replaceAll('-', ' ');
}

/** It is down, or it lets us in no more. */
function isAway(server: ServerCondition): boolean {
  return server === 'down' || server === 'refusing';
}

function suspected(
  source: SourceFacts,
  facts: PlanFacts,
  kind: SourceFacts['damage']['suspects'][number]['kind'],
): string | undefined {
  const found = relevantSuspects(source, facts.wish).filter((each) => each.kind === kind);
  if (found.length === 0) return undefined;
  return found
    .map(({ xid, commitTime }) => `${kind} by transaction ${xid} at ${commitTime}`)
    .join('; ');
}

/** A service that writes nowhere may have gone wrong all the same. */
function concerns({ writes }: { readonly writes: readonly string[] }, source: string): boolean {
  return writes.length === 0 || writes.includes(source);
}

function nameOf({ database, schema, name }: { database: string; schema: string; name: string }) {
  return `${database}.${schema}.${name}`;
}
