import { z } from 'zod';
import { configurationSchema } from './schema.ts';

/** The JSON Schema of `lifeboat.yaml`, for editors. */
export function jsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(configurationSchema, { io: 'input', reused: 'ref' });
  return { $schema, title: 'lifeboat.yaml', ...rest };
}
