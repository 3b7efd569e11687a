import { z } from 'zod';
import { assert } from '../../core/index.ts';
import { type Role, roleOf } from '../schema/roles.ts';
import { type ConfigurationFile, configurationSchema } from '../schema.ts';

/** One value of a configuration, with what the schema says of it. */
export interface ConfiguredValue {
  readonly path: readonly string[];
  readonly role: Role | undefined;
  readonly value: unknown;
  /** A text that may hold anything; not one of a few words. */
  readonly isText: boolean;
  /** The last part of its path may be anything, too: the name of a header, of a field that is sent. */
  readonly hasFreeName: boolean;
}

/** What stands in its place; undefined: itself, with what `change` makes of its parts. */
export type ChangeOfValue = (
  found: ConfiguredValue,
) => { readonly instead: unknown } | 'nothing' | undefined;

/**
 * Walks a checked configuration along the schema, so that whoever looks for values of a kind finds those of every option, future ones too.
 * Options come out in the order of the schema.
 */
export function mapConfigured(data: ConfigurationFile, change: ChangeOfValue): ConfigurationFile {
  return mapped(configurationSchema, data, [], change) as ConfigurationFile;
}

/** Every value of a configuration that has a role, in the order of the schema. */
export function valuesWithRoles(data: ConfigurationFile): readonly ConfiguredValue[] {
  const found: ConfiguredValue[] = [];
  mapConfigured(data, (each) => {
    if (each.role !== undefined) found.push(each);
    return undefined;
  });
  return found;
}

const absent = Symbol('absent');

function mapped(
  schema: z.core.$ZodType,
  value: unknown,
  path: readonly string[],
  change: ChangeOfValue,
  hasFreeName = false,
): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  const wrapped = def.type === 'optional';
  // A wrapper has the role of what is in it, and that is looked at next.
  const changed = wrapped
    ? undefined
    : change({ path, role: roleOf(schema), value, isText: def.type === 'string', hasFreeName });
  if (changed === 'nothing') return absent;
  if (changed !== undefined) return changed.instead;
  const within = (inner: z.core.$ZodType, part: unknown, key: string) =>
    mapped(inner, part, [...path, key], change);
  switch (def.type) {
    case 'optional':
      return mapped(def.innerType, value, path, change, hasFreeName);
    case 'object': {
      const given = value as Readonly<Record<string, unknown>>;
      const entries = Object.entries(def.shape).filter(([key]) => given[key] !== undefined);
      return present(entries.map(([key, inner]) => [key, within(inner, given[key], key)]));
    }
    case 'record': {
      const given = Object.entries(value as Readonly<Record<string, unknown>>);
      const isFree = roleOf(def.keyType) !== 'name';
      return present(
        given.map(([key, part]) => {
          return [key, mapped(def.valueType, part, [...path, key], change, isFree)];
        }),
      );
    }
    case 'array':
      return (value as readonly unknown[])
        .map((part, index) => within(def.element, part, String(index)))
        .filter((part) => part !== absent);
    case 'union': {
      const option = def.options.find((each) => z.safeParse(each, value).success);
      assert(option !== undefined, `${path.join('.')} was checked before`);
      return mapped(option, value, path, change, hasFreeName);
    }
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
    case 'literal':
      return value;
    default:
      // Never passed over: there may be a command in it.
      assert(false, `the schema has a ${def.type} at ${path.join('.')}, which is not looked into`);
  }
}

function present(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries.filter(([, value]) => value !== absent));
}
