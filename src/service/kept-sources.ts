import { type Configuration, retentionOf } from '../config/index.ts';
import type { RetentionPolicy } from '../repository/index.ts';
import type { RecoveryPromises, SourceKind } from '../sources/index.ts';
import { policyOf, windowMsOf } from './retention.ts';

/** A source whose snapshots may lie in a repository, and which of them stay there. */
export interface KeptSource {
  readonly name: string;
  readonly kind: SourceKind;
  /** All stay when there is none. */
  readonly policy?: RetentionPolicy | undefined;
  /** How long any moment of it stays restorable; undefined: as long as its snapshots stay. */
  readonly windowMs?: number | undefined;
}

/** All sources of the configuration, with what is kept of them in one of its repositories. */
export function keptSources(
  configuration: Configuration,
  repository: string,
): readonly KeptSource[] {
  return Object.entries(configuration.sources).map(([name, { kind }]) => {
    const setting = retentionOf(configuration, name, repository);
    const windowMs = setting && kind === 'postgres' ? windowMsOf(setting) : undefined;
    return { name, kind, policy: setting && policyOf(setting), windowMs };
  });
}

/** What is promised of them, for those who forget and prune. */
export function promisesOf(sources: readonly KeptSource[]): RecoveryPromises {
  return new Map(
    sources.flatMap(({ name, windowMs }) => (windowMs === undefined ? [] : [[name, windowMs]])),
  );
}
