import type { FreezeRecord, FrozenDatabase } from './freeze-record.ts';
import type { FreezeRequest } from './freeze-request.ts';
import { databasesToClose } from './look-at-databases.ts';
import { wantedServices } from './look-at-services.ts';
import { pageFileHere } from './maintenance.ts';
import { mayGoOn } from './may-go-on.ts';
import type { ServerDesks } from './postgres/server-desks.ts';
import { keyOf } from './taken-over.ts';

/**
 * Whether a freeze holds something of what is to be frozen: then what was before is in its record, and is not what can be seen now. That a page is shown by
 * a command is no reason: pages of several freezes are taken away one after the other.
 */
export async function concerns(
  record: FreezeRecord,
  request: FreezeRequest,
  desks: ServerDesks,
): Promise<boolean> {
  const { sources } = request;
  const stopped = record.items.flatMap((item) => (item.kind === 'service' ? [item.service] : []));
  // Services alone are stopped beside a freeze of sources, not as a part of it. Of them, too, a host that is lost may have stopped one that ran.
  if (sources.length === 0 || record.sources.length === 0) {
    return isOfSame(record, request);
  }
  if (record.sources.some((each) => sources.includes(each))) return true;
  if (wantedServices(request).some(({ service }) => stopped.includes(service.name))) return true;
  const page = await pageFileHere(request);
  if (page !== undefined && record.items.some((item) => keyOf(item) === page)) return true;
  const databases = record.items.filter((item) => item.kind === 'database');
  return databases.length > 0 && (await closesOneOf(databases, request, desks));
}

/** Of the same kind: for sources, or the very same services alone. */
export function isOfSame(
  record: FreezeRecord,
  { sources, services }: Pick<FreezeRequest, 'sources' | 'services'>,
): boolean {
  if (sources.length > 0) return record.sources.length > 0;
  const stopped = record.items.flatMap((item) => (item.kind === 'service' ? [item.service] : []));
  return (
    record.sources.length === 0 &&
    stopped.length === services?.length &&
    stopped.every((each) => services.includes(each))
  );
}

/** Two sources may have one database, under two names. */
async function closesOneOf(
  databases: readonly FrozenDatabase[],
  request: FreezeRequest,
  desks: ServerDesks,
): Promise<boolean> {
  for (const name of request.databases ?? request.sources) {
    try {
      const found = await databasesToClose(name, request, desks);
      if (found === undefined) continue;
      const { systemId } = found.desk;
      const isOne = (item: FrozenDatabase) =>
        item.systemId === systemId && found.databases.some(({ oid }) => oid === item.oid);
      if (databases.some(isOne)) return true;
    } catch (error) {
      // Its databases are not closed either, and that is said where they would be.
      mayGoOn(error);
    }
  }
  return false;
}
