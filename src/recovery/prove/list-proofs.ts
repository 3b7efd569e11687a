import type { Repository } from '../../repository/index.ts';
import { givenUpTimelines } from '../../sources/index.ts';
import { parseProof, type StoredProof } from './proof.ts';

export const proofKind = 'proof';

/** The proofs of a source, newest first. What cannot be read is for `check` to tell. */
export async function listProofs(
  repository: Repository,
  source: string,
): Promise<readonly StoredProof[]> {
  const records = await repository.records.list({ kind: proofKind, source });
  return records.flatMap((record) => parseProof(record) ?? []).toReversed();
}

/** The newest that passed, of what the source goes on from: of a timeline that was given up none counts. */
export async function lastPassed(
  repository: Repository,
  source: string,
): Promise<StoredProof | undefined> {
  const givenUp = await givenUpTimelines(repository.log(source));
  const proofs = await listProofs(repository, source);
  return proofs.find(
    ({ verdict, timeline = 0, reachedTimeline = timeline }) =>
      verdict === 'passed' && !givenUp.has(reachedTimeline),
  );
}
