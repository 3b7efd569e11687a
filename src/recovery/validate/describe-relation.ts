import { displayName } from '../rescue/sql-text.ts';

/** `shop.public.orders`, for people. */
export function describeRelation(relation: {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
}): string {
  return `${relation.database}.${displayName(relation.schema, relation.name)}`;
}
