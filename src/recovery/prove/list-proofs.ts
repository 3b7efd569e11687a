import type { Repository } from '../../repository/index.ts';
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
