import { LifeboatError } from '../../core/index.ts';
import type { Snapshot } from '../repository.ts';

/** A snapshot as it is asked for: an id or its beginning, `latest`, `latest~2` (the second before it), or the last at a moment. */
export type SnapshotChoice =
  | { readonly kind: 'id'; readonly prefix: string }
  | { readonly kind: 'latest'; readonly back: number }
  | { readonly kind: 'moment'; readonly moment: Date };

/** From those that are meant, newest first. Errors: `repository.snapshot-missing`. */
export function chooseSnapshot(newestFirst: readonly Snapshot[], choice: SnapshotChoice): Snapshot {
  if (newestFirst.length === 0) throw missing('there is no such snapshot');
  switch (choice.kind) {
    case 'id': {
      const [first, second] = newestFirst.filter(({ id }) => id.startsWith(choice.prefix));
      if (first === undefined) throw missing(`no snapshot begins with ${choice.prefix}`);
      if (second !== undefined) throw missing(`several snapshots begin with ${choice.prefix}`);
      return first;
    }
    case 'latest': {
      const found = newestFirst[choice.back];
      if (found) return found;
      throw missing(`there are only ${newestFirst.length} snapshots`);
    }
    case 'moment': {
      const found = newestFirst.find(({ time }) => time <= choice.moment);
      if (found) return found;
      const oldest = newestFirst.at(-1)?.time.toISOString();
      throw missing(`no snapshot is so old: the oldest is of ${oldest}`);
    }
  }
}

function missing(fact: string): LifeboatError {
  return new LifeboatError('repository.snapshot-missing', fact, {
    hint: 'List what there is with `lifeboat snapshots`.',
  });
}
