import { isLifeboatError, type LifeboatError } from '../core/index.ts';

/** True when something stored is damaged or missing, as opposed to a repository that does not answer. */
export function isDamage(error: unknown): error is LifeboatError {
  return isLifeboatError(
    error,
    'repository.damaged',
    'repository.blob-missing',
    'location.file-missing',
  );
}
