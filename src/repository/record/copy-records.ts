import { isLifeboatError, throwIfAborted } from '../../core/index.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { Location } from '../location/location.ts';
import { NestedArea } from '../log/nested-area.ts';
import { RecordFiles } from './record-files.ts';
import type { RecordFacts } from './record-index-file.ts';

interface RecordPlace {
  readonly location: Location;
  readonly masterKey: EnvelopeKey;
}

/**
 * Brings every record to another repository, with its writer, sequence and signature, and the id that other records know it by.
 * What a record has seen is there before it. Resolves with how many were copied (or would be).
 */
export async function copyRecords(options: {
  readonly from: RecordPlace;
  readonly to: RecordPlace;
  readonly dryRun: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProblem: (problem: string) => void;
}): Promise<number> {
  const { dryRun, signal, onProblem } = options;
  const from = new RecordFiles(new NestedArea(options.from.location, options.from.masterKey));
  const to = new RecordFiles(new NestedArea(options.to.location, options.to.masterKey));
  await from.refresh(signal);
  await to.refresh(signal);
  for (const [name, problem] of from.damaged) onProblem(`record ${name}: ${problem}`);
  const missing = seenFirst(from.graph.facts).filter(({ id }) => !to.graph.facts.has(id));
  if (dryRun) return missing.length;
  let copied = 0;
  for (const { id } of missing) {
    throwIfAborted(signal);
    try {
      await to.addCopy(id, await from.stored(id, signal));
      copied++;
    } catch (error) {
      if (!isLifeboatError(error, 'repository.damaged', 'record.invalid')) throw error;
      onProblem(`record ${id}: ${error.message}`);
    }
  }
  return copied;
}

/** All records, each after those that it has seen. */
function seenFirst(facts: ReadonlyMap<string, RecordFacts>): readonly RecordFacts[] {
  const ordered: RecordFacts[] = [];
  const opened = new Set<string>();
  const done = new Set<string>();
  const bySequence = [...facts.values()].sort((a, b) => a.sequence - b.sequence);
  const waiting = bySequence.reverse().map((fact) => ({ fact, isOpen: false }));
  for (let each = waiting.pop(); each !== undefined; each = waiting.pop()) {
    const { fact, isOpen } = each;
    if (done.has(fact.id)) continue;
    if (isOpen) {
      done.add(fact.id);
      ordered.push(fact);
      continue;
    }
    // Honest records cannot see each other; forged ones must not hold this up.
    if (opened.has(fact.id)) continue;
    opened.add(fact.id);
    waiting.push({ fact, isOpen: true });
    for (const head of fact.heads) {
      const seen = facts.get(head);
      if (seen !== undefined && !done.has(head)) waiting.push({ fact: seen, isOpen: false });
    }
  }
  return ordered;
}
