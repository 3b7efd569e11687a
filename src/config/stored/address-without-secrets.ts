/** Parameters of addresses that hold secrets, whatever the program behind them calls them. */
const secretParameter =
  /^(?:.*(?:pass(?:word|wd|phrase)?|secret|token|credentials?|signature|auth|api[-_.]?key|access[-_.]?key|private[-_.]?key)|key|sig|pw|pwd)$/i;

/**
 * A URL, or a location with one in it (`rest:https://...`), without password, and with `instead` for what a parameter may hide. A password
 * that was not encoded as it should be (with a `/` or `@` in it) is taken out, too.
 */
export function addressWithoutSecrets(text: string, instead: string): string {
  const start = text.indexOf('://') + 3;
  if (start < 3) return text;
  const [scheme, rest] = [text.slice(0, start), text.slice(start)];
  // No database has an @ in its name, and many a password has.
  const at = scheme.startsWith('postgres') ? unencoded(rest) : endOfUser(rest);
  return scheme + withoutParameters(withoutPassword(rest, at), instead);
}

/** Where the user, with a password or without, ends: at an `@` before the first `/`. -1: there is none. */
function endOfUser(rest: string): number {
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  return authority.includes('@') ? authority.lastIndexOf('@') : unencoded(rest);
}

/** `user:password@host/...`: the user stays. */
function withoutPassword(rest: string, at: number): string {
  if (at < 0) return rest;
  const user = rest.slice(0, at).split(':', 1)[0] as string;
  return (user === '' ? '' : `${user}@`) + rest.slice(at + 1);
}

/** Where a user ends whose password has a `/` or `?` that should have been encoded; -1: there is none. */
function unencoded(rest: string): number {
  const query = rest.indexOf('?');
  const before = query < 0 ? rest : rest.slice(0, query);
  const at = before.lastIndexOf('@');
  if (at < 0 && noPort.test(before)) return rest.lastIndexOf('@');
  return before.slice(0, Math.max(at, 0)).includes(':') ? at : -1;
}

/** What stands behind a colon is a port, or the beginning of a password with a `?`. */
const noPort = /^[^/[]*:[^,/]*[^\d,/]/;

function withoutParameters(rest: string, instead: string): string {
  return rest.replace(/([?&])([^=&#]*)=([^&#]*)/g, (whole, sign: string, name: string) =>
    secretParameter.test(decoded(name)) ? `${sign}${name}=${instead}` : whole,
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
