import { assert } from '../../core/index.ts';

/** It becomes part of names of folders, containers and databases. */
export function requireToken(token: string): void {
  assert(/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/.test(token), 'a token is up to 40 letters and digits');
}
