import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import {
  type ConfigurationFile,
  type ConfiguredActs,
  incompletePlaces,
  whatItWouldDo,
} from '../../config/index.ts';
import type { FoundConfiguration } from '../../recovery/index.ts';
import type { Repository } from '../../repository/index.ts';

/** Clocks differ by that much without anybody meaning it. */
const clocksDifferMs = 5 * 60_000;

const mostRivalsTold = 5;

/** A stored configuration, with all that whoever lets it into this host should know. */
export interface StoredOffer {
  readonly stored: FoundConfiguration;
  /** As it would be written. */
  readonly configuration: ConfigurationFile;
  readonly file: string;
  readonly changes: readonly string[];
  readonly acts: ConfiguredActs;
  /** Of paths, folders of programs, repositories in folders, and variables: places of those that this host does not have. */
  readonly absent: readonly string[];
  /** Places that somebody has to complete before anything works. */
  readonly toComplete: readonly string[];
  /** How many other records the same key has signed in this repository. */
  readonly otherRecords: number;
  readonly warnings: readonly string[];
}

export async function describeOffer(
  stored: FoundConfiguration,
  fitted: { readonly configuration: ConfigurationFile; readonly changes: readonly string[] },
  about: {
    readonly file: string;
    readonly repository: Repository;
    readonly environment: NodeJS.ProcessEnv;
    readonly now: Date;
  },
): Promise<StoredOffer> {
  const { file, repository, environment, now } = about;
  const { configuration, changes } = fitted;
  const acts = whatItWouldDo(configuration);
  const absentPaths = [...acts.paths, ...acts.programs, ...acts.connections].filter(
    ({ words: [path = ''] }) => isAbsolute(path) && !existsSync(path),
  );
  const absentVariables = acts.variables.filter(({ words: [name = ''] }) => {
    return environment[name] === undefined;
  });
  const writers = await repository.records.writers();
  const writer = writers.find((each) => each.writer === stored.writer);
  const kinds = [...(writer?.kinds ?? [])].filter(([kind]) => kind !== 'configuration');
  const otherRecords = kinds.reduce((sum, [, count]) => sum + count, 0);
  const missing = writer?.missing ?? 0;
  return {
    stored,
    configuration,
    file,
    changes,
    acts,
    absent: [...absentPaths, ...absentVariables].map(({ place }) => place),
    toComplete: incompletePlaces(configuration),
    otherRecords,
    warnings: [
      ...(otherRecords === 0
        ? [
            'the key that signed it has signed nothing else in this repository: nobody has seen it before',
          ]
        : []),
      ...(missing === 0
        ? []
        : [`${missing} of the ${writer?.last} records of its key are not in this repository`]),
      ...(stored.laterClaim
        ? [
            `an older one of the same key says that it is of ${stored.laterClaim.toISOString()}: a clock was set back, or somebody stored an old one again`,
          ]
        : []),
      ...(stored.time.getTime() > now.getTime() + clocksDifferMs
        ? ['it says that it is of a time to come']
        : []),
      ...stored.rivals
        .slice(0, mostRivalsTold)
        .map(
          ({ writer: key, time }) =>
            `another key stored one of the same host and file at ${time.toISOString()}: ${key}`,
        ),
    ],
  };
}
