import type { z } from 'zod';

/** `sources.database.connection: expected string, got number`. Values of passwords are never shown. */
export function describeIssue(issue: z.core.$ZodIssue, raw: unknown): string {
  const place = issue.path.length === 0 ? 'the file' : issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const unknown = issue.keys.map((key) => `"${key}"`).join(', ');
    return `${place}: there is no option ${unknown}`;
  }
  const secret = issue.path.includes('password') || issue.path.includes('connection');
  const got = describeValue(valueAt(raw, issue.path), secret);
  return `${place}: expected ${expectation(issue)}, got ${got}`;
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    return issue.expected === 'object' || issue.expected === 'record'
      ? 'a group of options'
      : issue.expected;
  }
  if (issue.code === 'invalid_value')
    return issue.values.map((each) => `"${String(each)}"`).join(' or ');
  if (issue.code === 'invalid_key') return 'a name of small letters, digits, - and _';
  if (issue.code === 'too_small') return 'something that is not empty';
  return issue.message;
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    raw,
  );
}

function describeValue(value: unknown, secret: boolean): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return `a group (${Object.keys(value).join(', ') || 'empty'})`;
  if (secret) return typeof value === 'string' ? 'something else' : `a ${typeof value}`;
  return JSON.stringify(value).slice(0, 80);
}
