import type { ZodType } from 'zod';
import { LifeboatError } from '../core/index.ts';

/** The JSON that a program answered with. `platform.failed` where it is none, or not of that form. */
export function readAnswer<Value>(
  form: ZodType<Value>,
  text: string,
  { purpose }: { readonly purpose: string },
): Value {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw notUnderstood(purpose, 'an answer', cause);
  }
  return readRecord(form, value, { purpose, what: 'an answer' });
}

/** What was recorded once, of the form that it had then. */
export function readRecord<Value>(
  form: ZodType<Value>,
  value: unknown,
  { purpose, what = 'a recorded state' }: { readonly purpose: string; readonly what?: string },
): Value {
  const parsed = form.safeParse(value);
  if (!parsed.success) throw notUnderstood(purpose, what, parsed.error);
  return parsed.data;
}

/** The text itself is not repeated: it may hold the environment of a container. */
function notUnderstood(purpose: string, what: string, cause: unknown): LifeboatError {
  const where = (cause as { issues?: { path: PropertyKey[] }[] }).issues?.[0]?.path.join('.') ?? '';
  const at = where === '' ? '' : ` (${where})`;
  return new LifeboatError(
    'platform.failed',
    `cannot ${purpose}: ${what} is not of the form that is known${at}`,
  );
}
