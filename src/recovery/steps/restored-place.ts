import { join } from 'node:path';
import { LifeboatError } from '../../core/index.ts';
import type { RestoredPlace } from '../validate/application/restored-place.ts';
import type { StepContext } from './step-kind.ts';

/** What a run restores beside everything, in its folder on this host. No longer needed once it is in place. */
export function restoredIn(runFolder: string): string {
  return join(runFolder, 'restored');
}

/** Where a former step put a source, as it left it in `result.place`. Errors: `run.failed`: it left nothing. */
export function placeLeftBy(step: string, { outcomes }: StepContext): RestoredPlace {
  const place = outcomes[step]?.result.place;
  if (typeof place === 'object' && place !== null) return place as RestoredPlace;
  throw new LifeboatError('run.failed', `the step ${step} left no place to work with`, {
    hint: 'Do that step first; it was skipped or undone.',
  });
}
