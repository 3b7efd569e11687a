import { existsSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { LifeboatError } from '../../core/index.ts';
import type { Ask, CommandContext } from '../command.ts';
import type { ChosenFiles } from './setup-choices.ts';

/** Which folders and files; a path that is not there is asked for again, or an error. Errors: `usage.invalid`. */
export async function chooseFiles(
  given: {
    readonly paths: readonly string[];
    readonly exclude: readonly string[] | undefined;
    readonly name: string | undefined;
  },
  context: CommandContext,
  ask: Ask | undefined,
): Promise<ChosenFiles> {
  const paths = given.paths.map((path) => existingPath(path, context));
  if (paths.length === 0 && ask) paths.push(...(await askForPaths(context, ask)));
  let exclude = given.exclude;
  if (exclude === undefined && ask) {
    const question =
      'What to leave out: patterns as in .gitignore, with commas between (or nothing)';
    exclude = (await ask.text(question)).split(',');
  }
  return {
    name: given.name ?? filesSourceName(hostname()),
    paths: [...new Set(paths)],
    exclude: (exclude ?? []).map((each) => each.trim()).filter(Boolean),
  };
}

async function askForPaths(context: CommandContext, ask: Ask): Promise<readonly string[]> {
  const paths: string[] = [];
  for (;;) {
    const question =
      paths.length === 0 ? 'Folder or file to back up' : 'Another one (or nothing: no more)';
    const home = context.environment.HOME || homedir();
    const text = (await ask.text(question, paths.length === 0 ? home : undefined)).trim();
    if (text === '' && paths.length > 0) return paths;
    const path = absolute(text, context);
    if (text !== '' && existsSync(path)) paths.push(path);
    else context.output.warn(`${text === '' ? 'nothing' : path} is not there`, 'Type it again.');
  }
}

function existingPath(text: string, context: CommandContext): string {
  const path = absolute(text, context);
  if (text !== '' && existsSync(path)) return path;
  throw new LifeboatError('usage.invalid', `${text === '' ? 'an empty path' : path} is not there`, {
    hint: 'Name a folder or file that is there now, so that the first backup can be tried.',
  });
}

function absolute(text: string, { environment, folder }: CommandContext): string {
  if (text === '~' || text.startsWith('~/')) {
    return join(environment.HOME || homedir(), text.slice(1));
  }
  return resolve(folder, text);
}

/** A source of the same name on another host would look like this one. */
export function filesSourceName(host: string): string {
  const name = host
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '');
  return `${name.slice(0, 40)}${name === '' ? '' : '-'}files`;
}

/** With the repository left out when it lies inside of what is backed up: it would grow with every backup. */
export function withoutRepository(files: ChosenFiles, location: string): ChosenFiles {
  const isInside = files.paths.some((path) => contains(path, location));
  const pattern = patternOf(location);
  if (!isAbsolute(location) || !isInside || files.exclude.includes(pattern)) return files;
  return { ...files, exclude: [...files.exclude, pattern] };
}

/** Whether `path` is `outer` or lies inside of it. */
export function contains(outer: string, path: string): boolean {
  return `${path}/`.startsWith(outer === '/' ? '/' : `${outer}/`);
}

/** The pattern that means this path and nothing else. */
export function patternOf(path: string): string {
  return path.replace(/[\\*?[\]!#]/g, '\\$&').replace(/ $/, '\\ ');
}
