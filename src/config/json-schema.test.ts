import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonSchema } from './json-schema.ts';

interface Node {
  readonly $ref?: string;
  readonly $defs?: Record<string, Node>;
  readonly description?: string;
  readonly properties?: Record<string, Node>;
  readonly additionalProperties?: Node | boolean;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly allOf?: readonly Node[];
}

/** Options without a description of their own, or of what they refer to. */
function undescribed(schema: Node): string[] {
  const resolve = (node: Node): Node => {
    const name = node.$ref?.replace('#/$defs/', '');
    return name === undefined ? node : { ...resolve(schema.$defs?.[name] as Node), ...node };
  };
  const search = (given: Node, path: string): string[] => {
    const node = resolve(given);
    const own = Object.entries(node.properties ?? {}).flatMap(([key, child]) => [
      ...(resolve(child).description ? [] : [`${path}.${key}`]),
      ...search(child, `${path}.${key}`),
    ]);
    const entries =
      typeof node.additionalProperties === 'object'
        ? search(node.additionalProperties, `${path}.*`)
        : [];
    const parts = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])];
    return [...own, ...entries, ...parts.flatMap((each) => search(each, path))];
  };
  return [...new Set(search(schema, ''))];
}

describe('the JSON Schema', () => {
  it('describes every option', () => {
    const schema = jsonSchema() as Node;
    expect(Object.keys(schema.properties ?? {})).toContain('sources');
    expect(undescribed(schema)).toEqual([]);
  });

  it('in docs/ is current (write it with `lifeboat init --schema > docs/lifeboat.schema.json`)', () => {
    const file = join(import.meta.dirname, '../../docs/lifeboat.schema.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(jsonSchema());
  });
});
