import { proofsOf } from '../../../config/index.ts';
import { isLifeboatError } from '../../../core/index.ts';
import type { Repository } from '../../../repository/index.ts';
import { listPostgresSnapshots, type PostgresSource } from '../../../sources/index.ts';
import { listProofs } from '../../prove/list-proofs.ts';
import type { LogRequest } from '../log-windows.ts';
import type { Assessment } from './assessment.ts';
import type { KnownPoints } from './judge-points.ts';
import { gapOf, type PartWork } from './part-runner.ts';

/** What the repository and this host's spool hold of a cluster, and what of it was proven. */
export async function knownPoints(
  { surroundings }: Assessment,
  source: PostgresSource,
  repository: Repository,
  part: PartWork,
): Promise<KnownPoints> {
  const { signal, progress } = part;
  const stored = await source.points({ repository, signal, progress });
  const { validForMs } = proofsOf(surroundings.configuration, source.name);
  return { stored, proofs: await proofsIn(repository, source.name, part), validForMs };
}

async function proofsIn(repository: Repository, source: string, part: PartWork) {
  try {
    return await listProofs(repository, source);
  } catch (error) {
    part.gaps.push(`proofs: ${gapOf(error, part).message}`);
    return [];
  }
}

/** Of the newest snapshot; undefined when there is none that reads. */
export async function storedSystemId(
  repository: Repository,
  source: string,
  part: PartWork,
): Promise<string | undefined> {
  try {
    const [newest] = await listPostgresSnapshots(repository, source, part.progress);
    return newest?.info.systemId;
  } catch (error) {
    part.gaps.push(`which cluster was backed up: ${gapOf(error, part).message}`);
    return undefined;
  }
}

/** What this host has of the log and the repository does not have yet. */
export async function spoolOf(
  source: PostgresSource,
  repository: Repository | undefined,
): Promise<LogRequest['spool']> {
  if (repository === undefined) return undefined;
  try {
    return (await source.recovery({ repository, target: { kind: 'latest' } })).spool;
  } catch (error) {
    // Programs that are not where the configuration says: of no matter here.
    if (!isLifeboatError(error)) throw error;
    return undefined;
  }
}
