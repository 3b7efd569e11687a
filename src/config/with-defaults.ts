import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Configuration, RepositorySetting, SourceSetting } from './configuration.ts';
import { parseByteSize, parseTimeSpan } from './quantity.ts';
import { defaultRepository } from './references.ts';
import type { DriftFile } from './schema/drift.ts';
import type { RepositoryFile } from './schema/repository.ts';
import type { ServiceFile, ServiceSetting } from './schema/service.ts';
import type { SourceFile } from './schema/source.ts';
import type { ConfigurationFile } from './schema.ts';
import { servicesInOrder } from './services-in-order.ts';

/** What the file leaves out. Its paths are absolute already. */
export function withDefaults(
  data: ConfigurationFile,
  file: string,
  environment: NodeJS.ProcessEnv,
): Configuration {
  const only = defaultRepository(data);
  const limit = data.spool?.limit === undefined ? undefined : parseByteSize(data.spool.limit);
  const { state } = data;
  const folder = typeof state === 'object' ? state.folder : state;
  const server = typeof state === 'object' ? state.postgres : undefined;
  return Object.freeze({
    file,
    declared: data,
    name: data.name,
    repositories: mapValues(data.repositories, (each) => repositoryOf(each, data)),
    sources: mapValues(data.sources, (each) => {
      const repository = each.repository ?? only;
      return sourceOf({ ...each, ...(repository === undefined ? {} : { repository }) });
    }),
    services: Object.freeze(servicesOf(data.services ?? {})),
    recovery: data.recovery ?? {},
    incidents: data.incidents ?? {},
    ...(data.retention ? { retention: data.retention } : {}),
    ...(data.proofs ? { proofs: data.proofs } : {}),
    ...(data.integrity ? { integrity: data.integrity } : {}),
    stateFolder: folder === undefined ? defaultStateFolder(environment) : folder,
    ...(server ? { stateServer: withoutUndefined(server) } : {}),
    ...(data.scratch ? { scratchFolder: data.scratch } : {}),
    ...(limit === undefined ? {} : { spoolLimitBytes: limit }),
  });
}

/** In an order that starts each after those it needs. */
function servicesOf(services: Readonly<Record<string, ServiceFile>>): readonly ServiceSetting[] {
  const sorted = servicesInOrder(services);
  const order = 'order' in sorted ? sorted.order : Object.keys(services);
  return order.map((name) => ({ ...(services[name] as ServiceFile), name }));
}

function repositoryOf(each: RepositoryFile, data: ConfigurationFile): RepositorySetting {
  const { copyFrom, copySchedule, lock, lockMode, upload, download, cache, retention } = each;
  const prune = each.prune ?? data.prune;
  const check = each.check ?? data.check;
  const bytes = (text: string | undefined) =>
    text === undefined ? undefined : parseByteSize(text);
  const lockMs = lock === undefined ? undefined : parseTimeSpan(lock);
  return withoutUndefined({
    location: each.location,
    password: each.password,
    copyFrom,
    copySchedule,
    prune,
    check,
    checkData: each.checkData === undefined ? undefined : checkData(each.checkData),
    lock: lockMs === undefined ? undefined : { durationMs: lockMs, mode: lockMode ?? 'compliance' },
    uploadBytesPerSecond: bytes(upload),
    downloadBytesPerSecond: bytes(download),
    cache:
      cache &&
      withoutUndefined({
        folder: cache.off ? false : cache.folder,
        sizeBytes: bytes(cache.size),
      }),
    retention,
  });
}

function sourceOf(each: SourceFile): SourceSetting {
  if (each.kind === 'files') {
    const { largerThan, ...rest } = each;
    return withoutUndefined({
      ...rest,
      largerThanBytes: largerThan === undefined ? undefined : parseByteSize(largerThan),
    });
  }
  if (each.kind === 'volume') {
    const { largerThan, ...rest } = each;
    return withoutUndefined({
      ...rest,
      largerThanBytes: largerThan === undefined ? undefined : parseByteSize(largerThan),
    });
  }
  if (each.kind === 'postgres-dump') return withoutUndefined(each);
  const { drift, backupRate, ...rest } = each;
  return withoutUndefined({
    ...rest,
    ...(drift ? { drift: driftOf(drift) } : {}),
    backupBytesPerSecond: backupRate === undefined ? undefined : parseByteSize(backupRate),
  });
}

function driftOf({ dropAtMost, ignore }: DriftFile) {
  return withoutUndefined({
    dropAtMost: dropAtMost === undefined ? undefined : Number.parseFloat(dropAtMost) / 100,
    ignore,
  });
}

function checkData(text: string): 'all' | number {
  return text === 'all' ? text : Math.min(1, Number.parseFloat(text) / 100);
}

/** Where state is kept when nothing says otherwise, also where there is no configuration at all. */
export function defaultStateFolder(environment: NodeJS.ProcessEnv): string {
  if (process.getuid?.() === 0) return '/var/lib/lifeboat';
  const base = environment.XDG_STATE_HOME || join(environment.HOME || homedir(), '.local/state');
  return join(base, 'lifeboat');
}

function mapValues<In, Out>(record: Record<string, In>, map: (value: In) => Out) {
  return Object.freeze(
    Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)])),
  );
}

type Defined<Value> = { [Key in keyof Value]: Exclude<Value[Key], undefined> };

/** Absent and undefined are not the same to those who ask with `in`. */
function withoutUndefined<Value extends object>(value: Value): Defined<Value> {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries) as Defined<Value>;
}
