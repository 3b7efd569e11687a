import { type Progress, silentProgress } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import {
  type CatalogRecord,
  givenUpTimelines,
  listBaselines,
  listPostgresSnapshots,
  parseCatalogDocument,
  readBackupCatalog,
} from '../../sources/index.ts';
import { withCounts } from './counted-catalogs.ts';

/**
 * Every catalog of the source: of its records and its snapshots, and with the counts of its baselines. Unreadable ones are told and passed over;
 * those of timelines that were given up tell of another branch.
 */
export async function readCatalogs(
  repository: Repository,
  source: string,
  systemId: string,
  progress: Progress,
): Promise<readonly CatalogRecord[]> {
  const catalogs: CatalogRecord[] = [];
  const passOver = (what: string, error: unknown) =>
    progress({ type: 'warning', message: `${what} is passed over: ${(error as Error).message}` });
  const onDamaged = (name: string, problem: string) =>
    passOver(`record ${name}`, new Error(problem));
  const records = await repository.records.list({ kind: 'catalog', source, onDamaged });
  for (const record of records) {
    try {
      catalogs.push(parseCatalogDocument(Buffer.from(JSON.stringify(record.body))));
    } catch (error) {
      passOver(`the catalog of ${record.time.toISOString()}`, error);
    }
  }
  for (const { snapshot } of await listPostgresSnapshots(repository, source, silentProgress)) {
    try {
      catalogs.push(await readBackupCatalog(repository, snapshot));
    } catch (error) {
      passOver(`the catalog of snapshot ${snapshot.id.slice(0, 8)}`, error);
    }
  }
  const givenUp = await givenUpTimelines(repository.log(source));
  const ofCluster = catalogs.filter(
    (catalog) => catalog.systemId === systemId && !givenUp.has(catalog.timeline),
  );
  const stored = await listBaselines(repository, source, progress);
  const baselines = stored.map(({ baseline }) => baseline);
  return withCounts(ofCluster, baselines);
}
