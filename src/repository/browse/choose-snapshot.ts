import { LifeboatError } from '../../core/index.ts';
import { isCheckpoint } from '../forget/decide.ts';
import type { Snapshot } from '../repository.ts';

/** A snapshot as it is asked for: an id or its beginning, `latest`, `latest~2` (the second before it), or the last at a moment. */
export type SnapshotChoice =
  | { readonly kind: 'id'; readonly prefix: string }
  | { readonly kind: 'latest'; readonly back: number }
  | { readonly kind: 'moment'; readonly moment: Date };

/**
 * From those that are meant, newest first. What was interrupted holds only a part of its source, so `latest` and moments mean it
 * only when there is nothing whole: whoever restores it would miss files and not know. Errors: `repository.snapshot-missing`.
 */
export function chooseSnapshot(newestFirst: readonly Snapshot[], choice: SnapshotChoice): Snapshot {
  if (newestFirst.length === 0) throw missing('there is no such snapshot');
  const whole = newestFirst.filter((each) => !isCheckpoint(each));
  const candidates = whole.length > 0 ? whole : newestFirst;
  switch (choice.kind) {
    case 'id': {
      const [first, second] = newestFirst.filter(({ id }) => id.startsWith(choice.prefix));
      if (first === undefined) throw missing(`no snapshot begins with ${choice.prefix}`);
      if (second !== undefined) throw missing(`several snapshots begin with ${choice.prefix}`);
      return first;
    }
    case 'latest': {
      const found = candidates[choice.back];
      if (found) return found;
      const count = candidates.length;
      throw missing(count === 1 ? 'there is only 1 snapshot' : `there are only ${count} snapshots`);
    }
    case 'moment': {
      const found = candidates.find(({ time }) => time <= choice.moment);
      if (found) return found;
      const oldest = candidates.at(-1)?.time.toISOString();
      throw missing(`no snapshot is so old: the oldest is of ${oldest}`);
    }
  }
}

function missing(fact: string): LifeboatError {
  return new LifeboatError('repository.snapshot-missing', fact, {
    hint: 'List what there is with `lifeboat snapshots`.',
  });
}
