import { join } from 'node:path';
import { isLifeboatError } from '../../../core/index.ts';
import { listPageFiles, type PageFile } from '../../../sources/index.ts';
import type { Check, CheckPlan, CheckUnit, UnitOutcome } from '../check.ts';
import { whole } from '../check.ts';
import type { Desk } from '../desk.ts';
import type { Place } from '../place.ts';
import { blocksKept, damageOf } from './damaged-blocks.ts';
import { nameFiles } from './name-files.ts';
import { planBySql } from './pages-by-sql.ts';

export const pageChecksums = Object.freeze<Check>({
  name: 'page-checksums',
  title: 'every page carries its checksum',
  objects: ['file', 'files'],
  plan,
});

async function plan(place: Place, desk: Desk): Promise<CheckPlan> {
  const { dataFolder } = place;
  if (!place.hasChecksums) {
    const why =
      'the cluster has no page checksums (pg_checksums --enable on the stopped server adds them)';
    return { units: [], notChecked: [{ what: 'every page', why }] };
  }
  if (dataFolder === undefined) return await planBySql(place, desk);
  await writeOut(place, desk);
  const name = await nameFiles(desk);
  const files = await listPageFiles(dataFolder);
  return {
    notChecked: [],
    units: files
      .toSorted((a, b) => (a.path < b.path ? -1 : 1))
      .map((file) => unitOf(place, dataFolder, file, name(file))),
  };
}

/** What replay has put right lies in memory until it is written. */
async function writeOut(place: Place, desk: Desk): Promise<void> {
  const [database] = place.databases;
  if (place.kind !== 'copy' || database === undefined) return;
  const session = await desk.session(database.name);
  await session.run('checkpoint');
}

function unitOf(place: Place, dataFolder: string, file: PageFile, name: string): CheckUnit {
  const { path, bytes, segment } = file;
  return {
    object: name === '' ? path : `${name} (${path})`,
    bytes,
    run: async (desk) => {
      try {
        const firstBlock = segment * place.segmentPages;
        const seen = await desk.pages.check({ path: join(dataFolder, path), firstBlock });
        return {
          problems: [...damageOf(seen.failed), ...cutOf(seen.restBytes)],
          ...(seen.failed.length > 0
            ? { damaged: { path, firstBlock, blocks: seen.failed.slice(0, blocksKept) } }
            : {}),
        };
      } catch (error) {
        return unreadable(error);
      }
    },
  };
}

function cutOf(restBytes: number | undefined): readonly string[] {
  return restBytes === undefined ? [] : [`${restBytes} bytes behind the last whole page`];
}

function unreadable(error: unknown): UnitOutcome {
  if (!isLifeboatError(error, 'file.unreadable')) throw error;
  // Dropped since the list was made.
  if (error.context.code === 'ENOENT') return whole;
  return { problems: [error.message] };
}
