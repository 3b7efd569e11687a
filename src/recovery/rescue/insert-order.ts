/** Table `child` references table `parent`; both are indexes. */
export interface Reference {
  readonly child: number;
  readonly parent: number;
  readonly constraint: string;
  readonly deferrable: boolean;
}

export interface InsertOrder {
  /** Every table once, parents before children where no cycle prevents it. */
  readonly order: readonly number[];
  /** References that point forward in `order`. References of a table to itself are never among them. */
  readonly forward: readonly Reference[];
}

/**
 * Orders tables so that parents come first. In a cycle the table that waits for the fewest others goes first, and
 * references that can be deferred are the ones left pointing forward where there is a choice.
 */
export function insertOrder(
  tables: readonly number[],
  references: readonly Reference[],
): InsertOrder {
  const order: number[] = [];
  const waiting = new Set(tables);
  const between = references.filter((each) => each.child !== each.parent);
  const unmet = (table: number) =>
    between.filter((each) => each.child === table && waiting.has(each.parent));
  while (waiting.size > 0) {
    const candidates = [...waiting].map((table) => {
      const open = unmet(table);
      return { table, firm: open.filter((each) => !each.deferrable).length, open: open.length };
    });
    candidates.sort((a, b) => a.firm - b.firm || a.open - b.open || a.table - b.table);
    const next = (candidates.find((each) => each.open === 0) ?? candidates[0])?.table as number;
    waiting.delete(next);
    order.push(next);
  }
  const place = new Map(order.map((table, position) => [table, position]));
  const forward = between.filter(
    (each) => (place.get(each.parent) as number) > (place.get(each.child) as number),
  );
  return Object.freeze({ order, forward });
}
