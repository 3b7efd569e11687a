import { LifeboatError } from '../../core/index.ts';
import type { ChosenVolume } from './setup-choices.ts';

/** Docker volumes by name, each a source that is called after it. Errors: `usage.invalid`. */
export function chooseVolumes(names: readonly string[]): readonly ChosenVolume[] {
  return [...new Set(names)].map((volume) => {
    if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(volume)) return { name: sourceName(volume), volume };
    throw new LifeboatError('usage.invalid', `${JSON.stringify(volume)} is no name of a volume`, {
      hint: '`docker volume ls` shows them.',
    });
  });
}

function sourceName(volume: string): string {
  return volume
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .slice(0, 48);
}
