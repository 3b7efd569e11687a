import { LifeboatError } from '../../core/index.ts';
import { refuseJsonBomb } from './json-bounds.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export function damaged(problem: string): LifeboatError {
  return new LifeboatError('repository.damaged', problem, {
    hint: 'Run `lifeboat check` to see what is affected.',
  });
}

/** Parses JSON text that must be an object. Errors: `repository.damaged`. */
export function parseObject(text: string, what: string): JsonObject {
  refuseJsonBomb(text, what);
  try {
    return asObject(JSON.parse(text), what);
  } catch (error) {
    if (error instanceof LifeboatError) throw error;
    throw damaged(`${what}: no valid JSON`);
  }
}

export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw damaged(`${what}: not an object`);
  }
  return value as JsonObject;
}

export function arrayField(object: JsonObject, name: string): readonly unknown[] {
  const value = object[name];
  if (!Array.isArray(value)) throw damaged(`field ${name}: not an array`);
  return value;
}

export function textField(object: JsonObject, name: string): string {
  const value = object[name];
  if (typeof value !== 'string') throw damaged(`field ${name}: not a string`);
  return value;
}

/** `''` when absent or null. */
export function optionalText(object: JsonObject, name: string): string {
  return object[name] === undefined || object[name] === null ? '' : textField(object, name);
}

/** A whole number from 0 to `max`; `fallback` when absent. */
export function numberField(
  object: JsonObject,
  name: string,
  max: number,
  fallback?: number,
): number {
  const value = object[name] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) {
    throw damaged(`field ${name}: not a whole number from 0 to ${max}`);
  }
  return value;
}

/** 64 lower-case hex digits that are not all zero. */
export function hashField(object: JsonObject, name: string): string {
  return asHash(object[name], `field ${name}`);
}

export function asHash(value: unknown, what: string): string {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value) || /^0+$/.test(value)) {
    throw damaged(`${what}: not a hash`);
  }
  return value;
}

export function textArray(object: JsonObject, name: string): readonly string[] {
  const value = object[name] ?? [];
  if (!Array.isArray(value) || value.some((each) => typeof each !== 'string')) {
    throw damaged(`field ${name}: not an array of strings`);
  }
  return value;
}
