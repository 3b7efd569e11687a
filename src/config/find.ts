import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { LifeboatError } from '../core/index.ts';

/**
 * The configuration file to use: `given` (--config), LIFEBOAT_CONFIG, ./lifeboat.yaml,
 * ~/.config/lifeboat/lifeboat.yaml, /etc/lifeboat/lifeboat.yaml. A file that was named must exist; there is
 * no falling back from it. Throws `config.missing`.
 */
export function findConfigFile(
  given: string | undefined,
  environment: NodeJS.ProcessEnv,
  folder: string,
): string {
  const named = given ?? (environment.LIFEBOAT_CONFIG || undefined);
  if (named !== undefined) {
    const path = resolve(folder, named);
    if (existsSync(path)) return path;
    throw new LifeboatError('config.missing', `there is no configuration file ${path}`, {
      hint: `It was named by ${given === undefined ? 'LIFEBOAT_CONFIG' : '--config'}. Correct the path, or run \`lifeboat init\` to write one.`,
      context: { path },
    });
  }
  const places = usualPlaces(environment, folder);
  const found = places.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new LifeboatError('config.missing', 'there is no configuration file', {
    hint: `Run \`lifeboat init\` to write one (on a new host, with --from-repository LOCATION, to fetch it), or name it with --config. Looked for: ${places.join(', ')}.`,
    context: { places },
  });
}

function usualPlaces(environment: NodeJS.ProcessEnv, folder: string): string[] {
  const personal = environment.XDG_CONFIG_HOME || join(environment.HOME || homedir(), '.config');
  return [folder, join(personal, 'lifeboat'), '/etc/lifeboat'].map((each) =>
    join(each, 'lifeboat.yaml'),
  );
}
