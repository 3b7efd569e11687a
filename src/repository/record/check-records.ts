import { isDeepStrictEqual } from 'node:util';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { Location } from '../location/location.ts';
import { NestedArea } from '../log/nested-area.ts';
import type { CheckFinding } from '../repository.ts';
import { RecordFiles } from './record-files.ts';
import { RecordIndex } from './record-index.ts';
import type { RecordFacts } from './record-index-file.ts';

/**
 * Every record is read and its signature verified; and the graph must be whole: what a record has seen
 * is there, and no writer's sequence has a hole. (The newest records of a writer can go unnoticed, if
 * nobody had seen them, and no index file names them.) The index files must say of each record what it says itself.
 */
export async function checkRecords(options: {
  readonly location: Location;
  readonly key: EnvelopeKey;
  readonly signal?: AbortSignal | undefined;
}): Promise<CheckFinding[]> {
  const area = new NestedArea(options.location, options.key);
  // Before the records: then one that is added meanwhile is in no index file without being there.
  const index = new RecordIndex(area);
  await index.refresh(options.signal);
  const files = new RecordFiles(area, { trustsIndex: false });
  await files.refresh(options.signal);
  const unreadable = [...files.damaged].map(([name, problem]) => finding(name, problem));
  const known = [...files.graph.facts.values()];
  const missing = missingHeads(files, known);
  const reported = new Set(missing.map(({ name }) => name));
  const contradictions = contradicted(index, files).filter(({ name }) => !reported.has(name));
  return [...unreadable, ...missing, ...holes(known), ...unreadableIndex(index), ...contradictions];
}

/** Nothing is lost by that. */
function unreadableIndex(index: RecordIndex): CheckFinding[] {
  return [...index.damaged].map(([name, problem]) => ({
    ...finding(`keys/${name}`, `${problem} (the records are read instead, and indexed again)`),
    severity: 'hint',
  }));
}

function contradicted(index: RecordIndex, files: RecordFiles): CheckFinding[] {
  return [...index.entries].flatMap(([name, { facts }]) => {
    if (files.damaged.has(name)) return [];
    const known = files.factsIn(name);
    if (known === undefined) {
      return [finding(facts.id, 'a record that the index of records names is missing')];
    }
    if (isDeepStrictEqual(known, facts)) return [];
    return [finding(facts.id, 'the index of records says something else than this record')];
  });
}

function missingHeads(files: RecordFiles, known: readonly RecordFacts[]): CheckFinding[] {
  const missing = new Map<string, string[]>();
  for (const each of known) {
    for (const head of each.heads) {
      if (files.graph.facts.has(head) || files.damaged.has(head)) continue;
      missing.set(head, [...(missing.get(head) ?? []), `record ${each.id}`]);
    }
  }
  return [...missing].map(([name, affects]) => ({
    ...finding(name, 'a record that others have seen is missing'),
    affects,
  }));
}

function holes(known: readonly RecordFacts[]): CheckFinding[] {
  const byWriter = Map.groupBy(known, (each) => each.writer);
  return [...byWriter].flatMap(([writer, records]) => {
    const sequences = new Set(records.map((each) => each.sequence));
    const last = Math.max(...sequences);
    if (sequences.size === last) return [];
    const problem = `${last - sequences.size} of the ${last} records of this writer are missing`;
    return [finding(writer, problem)];
  });
}

function finding(name: string, problem: string): CheckFinding {
  return { kind: 'record', name, problem, affects: [], severity: 'error' };
}
