import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonSchema } from './json-schema.ts';

interface Node {
  readonly description?: string;
  readonly properties?: Record<string, Node>;
  readonly additionalProperties?: Node | boolean;
  readonly anyOf?: readonly Node[];
}

function undescribed(node: Node, path: string): string[] {
  const own = Object.entries(node.properties ?? {}).flatMap(([key, child]) => [
    ...(child.description ? [] : [`${path}.${key}`]),
    ...undescribed(child, `${path}.${key}`),
  ]);
  const entries =
    typeof node.additionalProperties === 'object'
      ? undescribed(node.additionalProperties, `${path}.*`)
      : [];
  return [...own, ...entries, ...(node.anyOf ?? []).flatMap((each) => undescribed(each, path))];
}

describe('the JSON Schema', () => {
  it('describes every option', () => {
    const schema = jsonSchema() as Node;
    expect(Object.keys(schema.properties ?? {})).toContain('sources');
    expect(undescribed(schema, '')).toEqual([]);
  });

  it('in docs/ is current (write it with `lifeboat init --schema > docs/lifeboat.schema.json`)', () => {
    const file = join(import.meta.dirname, '../../docs/lifeboat.schema.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(jsonSchema());
  });
});
