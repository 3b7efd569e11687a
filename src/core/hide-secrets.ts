/** In every form that it could be written in. */
const known = new Set<string>();
/** Shorter ones are part of words: they count only where they stand alone. */
const shortBelow = 6;
const shown = '[secret]';

/** From now on `hideSecrets` knows this text. */
export function rememberSecret(text: string): void {
  for (const form of [text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1)]) {
    if (form !== '') known.add(form);
  }
}

/**
 * The text without any secret that this process has read, and without the password of any URL: each is replaced by `[secret]`. For what is
 * kept and seen by others, such as the timeline of an incident: a secret that is never read here cannot be known.
 */
export function hideSecrets(text: string): string {
  return hideKnownSecrets(text, shown).replace(
    /(\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/@]{0,200}):[^\s/@]{1,500}@/gi,
    `$1:${shown}@`,
  );
}

/** The same for every text within a JSON value, names of fields too. */
export function hideSecretsWithin<Value>(value: Value): Value {
  return within(value) as Value;
}

function within(value: unknown): unknown {
  if (typeof value === 'string') return hideSecrets(value);
  if (Array.isArray(value)) return value.map(within);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [hideSecrets(key), within(inner)]),
  );
}

/** Whether this is a secret that this process has read. */
export function isKnownSecret(text: string): boolean {
  return known.has(text);
}

/** The text with `instead` in the place of every secret that this process has read, and that is wanted. */
export function hideKnownSecrets(
  text: string,
  instead: string,
  isWanted: (secret: string) => boolean = () => true,
): string {
  let safe = text;
  // Longer ones first: one may be part of another.
  for (const secret of [...known].sort((a, b) => b.length - a.length)) {
    if (!safe.includes(secret) || !isWanted(secret)) continue;
    safe =
      secret.length < shortBelow
        ? safe.replace(alone(secret), instead)
        : safe.replaceAll(secret, instead);
  }
  return safe;
}

function alone(secret: string): RegExp {
  const text = secret.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}])${text}(?![\\p{L}\\p{N}])`, 'gu');
}
