import { LifeboatError } from '../../core/index.ts';
import type { TableName } from './parts.ts';

const part = `(?:"(?:[^"]|"")+"|[^".]+)`;
const pattern = new RegExp(`^(?:(${part})\\.)?(${part})$`, 's');

/**
 * `orders`, `shop.orders`, `"My Shop"."Orders"`: names are taken as they are written, so only a dot or a quote needs quotes. Errors:
 * `usage.invalid`.
 */
export function parseTableName(text: string): TableName {
  const match = pattern.exec(text);
  if (!match) {
    throw new LifeboatError('usage.invalid', `not the name of a table: ${JSON.stringify(text)}`, {
      hint: 'Write schema.table; a name with a dot or a quote in it goes into double quotes.',
    });
  }
  const [, schema, name] = match;
  return {
    ...(schema === undefined ? {} : { schema: unquoted(schema) }),
    name: unquoted(name as string),
  };
}

function unquoted(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text;
}
