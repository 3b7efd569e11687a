import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { Location } from '../location/location.ts';
import { NestedArea } from '../log/nested-area.ts';
import type { CheckFinding } from '../repository.ts';
import { type RecordFacts, RecordFiles } from './record-files.ts';

/**
 * Every record is read and its signature verified; and the graph must be whole: what a record has seen
 * is there, and no writer's sequence has a hole. (The newest records of a writer can go unnoticed, if
 * nobody had seen them.)
 */
export async function checkRecords(options: {
  readonly location: Location;
  readonly key: EnvelopeKey;
  readonly signal?: AbortSignal | undefined;
}): Promise<CheckFinding[]> {
  const files = new RecordFiles(new NestedArea(options.location, options.key));
  await files.refresh(options.signal);
  const unreadable = [...files.damaged].map(([name, problem]) => finding(name, problem));
  const known = [...files.facts.values()];
  return [...unreadable, ...missingHeads(files, known), ...holes(known)];
}

function missingHeads(files: RecordFiles, known: readonly RecordFacts[]): CheckFinding[] {
  const missing = new Map<string, string[]>();
  for (const each of known) {
    for (const head of each.heads) {
      if (files.facts.has(head) || files.damaged.has(head)) continue;
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
