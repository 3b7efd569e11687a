import { LifeboatError } from '../core/index.ts';
import { damaged } from './format/json-shape.ts';
import type { Location } from './location/location.ts';

/** The error for a location that has files of a repository but no config: begun and never finished, or damaged. */
export async function halfCreated(
  location: Location,
  signal?: AbortSignal,
): Promise<LifeboatError> {
  const where = location.describe();
  for (const kind of ['snapshots', 'index', 'data'] as const) {
    if ((await location.list(kind, signal)).length === 0) continue;
    return damaged(`${where} holds backups, but its config file is missing`);
  }
  return new LifeboatError('repository.half-created', `${where}: its creation was interrupted`, {
    hint: 'It holds no backup. Remove it and run `lifeboat init` again.',
  });
}
