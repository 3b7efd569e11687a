import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { absolutePath } from './absolute-path.ts';
import type { Configuration, RepositorySetting, SourceSetting } from './configuration.ts';
import { parseByteSize, parseTimeSpan } from './quantity.ts';
import { groundOf, recoveryOf, servicesOf } from './recovery-with-defaults.ts';
import { defaultRepository } from './references.ts';
import type { DriftFile } from './schema/drift.ts';
import type { PasswordSetting } from './schema/parts.ts';
import type { RepositoryFile } from './schema/repository.ts';
import type { SourceFile } from './schema/source.ts';
import type { ConfigurationFile } from './schema.ts';

/** What the file leaves out, and every path made absolute from the file's own folder. */
export function withDefaults(
  data: ConfigurationFile,
  file: string,
  environment: NodeJS.ProcessEnv,
): Configuration {
  const path = (text: string) => absolutePath(text, dirname(file), environment);
  const only = defaultRepository(data);
  const limit = data.spool?.limit === undefined ? undefined : parseByteSize(data.spool.limit);
  const { state } = data;
  const folder = typeof state === 'object' ? state.folder : state;
  const server = typeof state === 'object' ? state.postgres : undefined;
  return Object.freeze({
    file,
    declared: data,
    name: data.name,
    repositories: mapValues(data.repositories, (each) => repositoryOf(each, data, path)),
    sources: mapValues(data.sources, (each) => {
      const repository = each.repository ?? only;
      return sourceOf({ ...each, ...(repository === undefined ? {} : { repository }) }, path);
    }),
    services: Object.freeze(servicesOf(data.services ?? {}, path)),
    recovery: recoveryOf(data.recovery ?? {}, path),
    incidents: data.incidents ?? {},
    ...(data.retention ? { retention: data.retention } : {}),
    ...(data.proofs ? { proofs: data.proofs } : {}),
    ...(data.integrity ? { integrity: data.integrity } : {}),
    stateFolder: folder === undefined ? defaultStateFolder(environment) : path(folder),
    ...(server ? { stateServer: stateServerOf(server, path) } : {}),
    ...(data.scratch ? { scratchFolder: path(data.scratch) } : {}),
    ...(limit === undefined ? {} : { spoolLimitBytes: limit }),
  });
}

type ToPath = (text: string) => string;

function stateServerOf(
  { connection, password }: { connection: string; password?: PasswordSetting | undefined },
  path: ToPath,
): NonNullable<Configuration['stateServer']> {
  return { connection, ...(password ? { password: secret(password, path) } : {}) };
}

function repositoryOf(
  each: RepositoryFile,
  data: ConfigurationFile,
  path: ToPath,
): RepositorySetting {
  const { copyFrom, copySchedule, lock, lockMode, upload, download, cache, retention } = each;
  const prune = each.prune ?? data.prune;
  const check = each.check ?? data.check;
  const bytes = (text: string | undefined) =>
    text === undefined ? undefined : parseByteSize(text);
  const lockMs = lock === undefined ? undefined : parseTimeSpan(lock);
  return withoutUndefined({
    location: /^[a-z0-9]+:/.test(each.location) ? each.location : path(each.location),
    password: secret(each.password, path),
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
        folder: cache.off ? false : cache.folder && path(cache.folder),
        sizeBytes: bytes(cache.size),
      }),
    retention,
  });
}

function sourceOf(file: SourceFile, path: ToPath): SourceSetting {
  const each = file.ground ? { ...file, ground: groundOf(file.ground, path, secret) } : file;
  if (each.kind === 'files') {
    const { largerThan, paths, excludeFiles, ...rest } = each;
    return withoutUndefined({
      ...rest,
      paths: paths.map(path),
      excludeFiles: excludeFiles?.map(path),
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
  if (each.kind === 'postgres-dump') {
    return withoutUndefined({
      ...each,
      password: each.password && secret(each.password, path),
      programs: each.programs && path(each.programs),
    });
  }
  const { drift, backupRate, ...rest } = each;
  const isFolder = each.local !== undefined && each.local !== 'auto' && each.local !== 'never';
  return withoutUndefined({
    ...rest,
    ...(drift ? { drift: driftOf(drift) } : {}),
    ...(isFolder ? { local: path(each.local as string) } : {}),
    backupBytesPerSecond: backupRate === undefined ? undefined : parseByteSize(backupRate),
    ...(each.password ? { password: secret(each.password, path) } : {}),
    ...(each.programs ? { programs: path(each.programs) } : {}),
    ...(each.archive?.folder
      ? { archive: { ...each.archive, folder: path(each.archive.folder) } }
      : {}),
    ...(each.rescue?.password
      ? { rescue: { ...each.rescue, password: secret(each.rescue.password, path) } }
      : {}),
  });
}

function driftOf({ dropAtMost, ignore }: DriftFile) {
  return withoutUndefined({
    dropAtMost: dropAtMost === undefined ? undefined : Number.parseFloat(dropAtMost) / 100,
    ignore,
  });
}

function secret(setting: PasswordSetting, path: ToPath): PasswordSetting {
  return 'file' in setting ? { file: path(setting.file) } : setting;
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
