import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** A path of the configuration: from the folder of its file, or from the home folder where it begins with `~/`. */
export function absolutePath(text: string, folder: string, environment: NodeJS.ProcessEnv): string {
  if (text === '~' || text.startsWith('~/')) {
    return join(environment.HOME || homedir(), text.slice(1));
  }
  return isAbsolute(text) ? text : resolve(folder, text);
}
