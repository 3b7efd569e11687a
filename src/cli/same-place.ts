import { stat } from 'node:fs/promises';
import { isLifeboatError } from '../core/index.ts';
import { LocalLocation, type Location, openLocation } from '../repository/index.ts';

/**
 * Whether two texts name the same repository location, however they are written: a slash more, relative or not, through a link, with
 * another account. What cannot be opened is no place.
 */
export async function isSamePlace(
  wanted: string,
  configured: string,
  environment: NodeJS.ProcessEnv,
): Promise<boolean> {
  if (wanted === configured) return true;
  const name = await nameOf(wanted, environment);
  return name !== undefined && name === (await nameOf(configured, environment));
}

async function nameOf(text: string, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const location = openOrNone(text, environment);
  if (location === undefined) return undefined;
  const described = location.describe().replace(/\/+$/, '');
  if (!(location instanceof LocalLocation)) return described;
  try {
    const { dev, ino } = await stat(location.path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    // It is not there, or not now: then nobody forgets anything in it.
    return described;
  }
}

function openOrNone(text: string, environment: NodeJS.ProcessEnv): Location | undefined {
  try {
    return openLocation(text, { environment, cacheFolder: false });
  } catch (error) {
    if (!isLifeboatError(error) || error.code === 'bug') throw error;
    return undefined;
  }
}
