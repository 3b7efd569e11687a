import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LifeboatError } from '../../core/index.ts';
import { LocalLocation } from './local-location.ts';
import type { Location } from './location.ts';
import { parseRestLocation } from './rest-location.ts';
import { RetryingLocation } from './retrying-location.ts';

interface LocationOpener {
  /** What stands before the colon; a text without any is a path. */
  readonly scheme: string;
  readonly example: string;
  open(text: string): Location;
}

/** Every place a repository can live in. */
const openers: readonly LocationOpener[] = [
  {
    scheme: 'file',
    example: 'file:///var/backups/lifeboat',
    open: (text) => new LocalLocation(fileURLToPath(text)),
  },
  {
    scheme: 'rest',
    example: 'rest:https://host:8000/name/',
    open: (text) => new RetryingLocation(parseRestLocation(text, process.env)),
  },
];

/**
 * The location that `text` names, as in the configuration: `/path`, `file:///path`,
 * `rest:https://host:8000/name/`. Does no work; errors are `usage.invalid`.
 */
export function openLocation(text: string): Location {
  const scheme = /^([a-z][a-z0-9]*):/.exec(text)?.[1];
  if (text === '' || text.includes('\0')) throw unknownLocation('it is empty');
  if (scheme === undefined) return new LocalLocation(resolve(text));
  const opener = openers.find((each) => each.scheme === scheme);
  if (opener === undefined) throw unknownLocation(`nothing here opens "${scheme}:"`);
  try {
    return opener.open(text);
  } catch (error) {
    if (error instanceof LifeboatError) throw error;
    // Without the cause: it quotes the address, which may hold a password.
    throw unknownLocation(`the address after "${scheme}:" is malformed`);
  }
}

function unknownLocation(fact: string): LifeboatError {
  const examples = ['/var/backups/lifeboat', ...openers.map((each) => each.example)];
  return new LifeboatError('usage.invalid', `cannot use this repository location: ${fact}`, {
    hint: `A location looks like one of: ${examples.join(', ')}.`,
  });
}
