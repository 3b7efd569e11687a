import { isLifeboatError, type Progress, throwIfAborted } from '../../core/index.ts';
import { isDamage } from '../damage.ts';
import type { FileInfo } from '../location/location.ts';
import { Catalog, endOf } from '../log/catalog.ts';
import { decodeManifest, encodeManifest, type Manifest } from '../log/manifest.ts';
import { assertHeader, type NestedArea } from '../log/nested-area.ts';
import { noPrevious } from '../log/nested-header.ts';
import type { LogsNeeded } from './prune-options.ts';
import type { UnneededFiles } from './unneeded-files.ts';

/** What is known of the logs. */
export interface LogsSurvey {
  readonly catalogs: ReadonlyMap<string, Catalog>;
  /** Floors that are to be raised, by log and stream. */
  readonly floors: ReadonlyMap<string, ReadonlyMap<string, bigint>>;
  readonly segmentsDropped: number;
}

interface ReadManifest {
  readonly log: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly manifest: Manifest;
}

/**
 * Adds to `unneeded` what the logs need no more: files of segments that end before what is needed, files that no
 * manifest names (left by a crash), and manifests whose entries are all in a larger one. A manifest that cannot be read
 * may name anything: then nothing of the logs is touched.
 */
export async function surveyLogs(options: {
  readonly area: NestedArea;
  readonly needed: LogsNeeded;
  readonly unneeded: UnneededFiles;
  readonly signal?: AbortSignal | undefined;
  readonly progress: Progress;
}): Promise<LogsSurvey> {
  const { area, unneeded, signal, progress } = options;
  // Data before manifests: a segment that is appended meanwhile is no file without a manifest.
  const data = await area.list('data', signal);
  const { index, locks, problem } = await readManifests(area, signal);
  if (problem !== undefined) {
    const hint =
      'What it names cannot be known, so the logs were left as they are. Run `lifeboat check`.';
    progress({ type: 'warning', message: problem, hint });
    return { catalogs: new Map(), floors: new Map(), segmentsDropped: 0 };
  }
  const catalogs = new Map<string, Catalog>();
  for (const { log, manifest } of [...index, ...locks]) {
    const catalog = catalogs.get(log) ?? new Catalog();
    catalogs.set(log, catalog);
    catalog.addManifest(manifest);
  }
  const { floors, segmentsDropped } = raiseFloors(catalogs, options.needed);
  const held = new Set(
    [...catalogs.values()].flatMap((catalog) => {
      return [...catalog.segments(), ...catalog.files()].map(({ file }) => file);
    }),
  );
  // Also what was given up already.
  const named = new Set(
    [...index, ...locks].flatMap(({ manifest }) => manifest.segments.map(({ file }) => file)),
  );
  for (const { name, sizeBytes } of data) {
    if (held.has(name)) continue;
    if (!named.has(name) && !(await isOfLogs(area, name, signal))) continue;
    unneeded.add('lifeboat/data', name, sizeBytes);
  }
  for (const each of superfluous(index)) {
    unneeded.add('lifeboat/index', each.name, each.sizeBytes);
  }
  return { catalogs, floors, segmentsDropped };
}

/** What a newer version may keep beside segments, and what is damaged, is not ours to judge. */
async function isOfLogs(area: NestedArea, name: string, signal?: AbortSignal): Promise<boolean> {
  try {
    const { header } = await area.read('data', name, signal);
    return header.kind === 'segment' || header.kind === 'file';
  } catch (error) {
    if (!isDamage(error) && !isLifeboatError(error, 'repository.unsupported')) throw error;
    return false;
  }
}

/** Says in the repository from where on each log is kept. Durable when it resolves; entries below count as gone. */
export async function writeFloors(area: NestedArea, survey: LogsSurvey): Promise<void> {
  for (const [log, floors] of survey.floors) {
    const header = { kind: 'manifest' as const, level: 1, log, part: '', position: 0n };
    const payload = encodeManifest({ segments: [], files: [], supersedes: [], floors });
    await area.write('index', { ...header, previous: noPrevious }, payload);
  }
}

function raiseFloors(
  catalogs: ReadonlyMap<string, Catalog>,
  needed: LogsNeeded,
): Pick<LogsSurvey, 'floors' | 'segmentsDropped'> {
  const floors = new Map<string, ReadonlyMap<string, bigint>>();
  let segmentsDropped = 0;
  for (const [log, from] of needed) {
    const catalog = catalogs.get(log);
    if (catalog === undefined) continue;
    const raised = new Map<string, bigint>();
    for (const stream of catalog.streams()) {
      const position = typeof from === 'bigint' ? from : from.get(stream);
      if (position === undefined) continue;
      const dropped = catalog
        .segmentsOverlapping(stream, 0n, position)
        .filter((each) => endOf(each) <= position);
      if (dropped.length > 0) raised.set(stream, position);
      segmentsDropped += dropped.length;
    }
    if (raised.size === 0) continue;
    floors.set(log, raised);
    catalog.addManifest({ segments: [], files: [], supersedes: [], floors: raised });
  }
  return { floors, segmentsDropped };
}

/** Superseded ones that are still there, if those that supersede them really hold all they say. */
function superfluous(manifests: readonly ReadManifest[]): readonly ReadManifest[] {
  const superseded = new Set(manifests.flatMap(({ manifest }) => manifest.supersedes));
  const old = manifests.filter(({ name }) => superseded.has(name));
  const held = new Set(
    manifests.filter(({ name }) => !superseded.has(name)).flatMap((each) => entriesOf(each)),
  );
  return old.filter((each) => entriesOf(each).every((entry) => held.has(entry)));
}

function entriesOf({ log, manifest }: ReadManifest): string[] {
  return [
    ...manifest.segments.map(({ file, stream, start }) => `${log} ${file} ${stream} ${start}`),
    ...manifest.files.map(({ file, name }) => `${log} ${file} ${name}`),
    ...[...(manifest.floors ?? [])].map(
      ([stream, position]) => `${log} ${stream} from ${position}`,
    ),
  ];
}

interface Manifests {
  readonly index: readonly ReadManifest[];
  readonly locks: readonly ReadManifest[];
  /** Why they are not all of them. */
  readonly problem?: string;
}

const mostRounds = 5;

/**
 * `locks/` is listed before `index/`: what is consolidated in between is seen in both. What is gone when it is read was
 * superseded a moment ago: then everything is looked at again.
 */
async function readManifests(area: NestedArea, signal?: AbortSignal): Promise<Manifests> {
  for (let round = 1; ; round++) {
    try {
      const names = {
        locks: await area.list('locks', signal),
        index: await area.list('index', signal),
      };
      const locks = await readAll(area, 'locks', names.locks, signal);
      return { locks, index: await readAll(area, 'index', names.index, signal) };
    } catch (error) {
      const isGone = isLifeboatError(error, 'location.file-missing');
      if (isGone && round < mostRounds) continue;
      if (!isGone && !isLifeboatError(error, 'repository.damaged', 'repository.unsupported')) {
        throw error;
      }
      return { locks: [], index: [], problem: error.message };
    }
  }
}

async function readAll(
  area: NestedArea,
  folder: 'index' | 'locks',
  files: readonly FileInfo[],
  signal?: AbortSignal,
): Promise<ReadManifest[]> {
  const read: ReadManifest[] = [];
  for (const { name, sizeBytes } of files) {
    throwIfAborted(signal);
    const { header, payload } = await area.read(folder, name, signal);
    if (folder === 'locks' && header.kind !== 'manifest') continue;
    const subject = `lifeboat/${folder}/${name}`;
    assertHeader(header, { kind: 'manifest' }, subject);
    read.push({ log: header.log, name, sizeBytes, manifest: decodeManifest(payload, subject) });
  }
  return read;
}
