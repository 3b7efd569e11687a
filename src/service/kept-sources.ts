import { type Configuration, retentionOf } from '../config/index.ts';
import type { RetentionPolicy } from '../repository/index.ts';
import type { SourceKind } from '../sources/index.ts';
import { policyOf } from './retention.ts';

/** A source whose snapshots may lie in a repository, and which of them stay there. */
export interface KeptSource {
  readonly name: string;
  readonly kind: SourceKind;
  /** All stay when there is none. */
  readonly policy?: RetentionPolicy | undefined;
}

/** All sources of the configuration, with what is kept of them in one of its repositories. */
export function keptSources(
  configuration: Configuration,
  repository: string,
): readonly KeptSource[] {
  return Object.entries(configuration.sources).map(([name, { kind }]) => {
    const setting = retentionOf(configuration, name, repository);
    return { name, kind, policy: setting && policyOf(setting) };
  });
}
