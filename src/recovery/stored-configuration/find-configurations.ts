import type { LifeboatRecord, RecordStore } from '../../repository/index.ts';
import {
  type ConfigurationRecord,
  configurationKind,
  parseConfigurationRecord,
} from './configuration-record.ts';

/** The newest configuration that a repository holds of one file of one host. */
export interface FoundConfiguration {
  readonly kept: ConfigurationRecord;
  readonly id: string;
  readonly time: Date;
  /** Public key, hex. */
  readonly writer: string;
  readonly sequence: number;
  /** How many older ones there are. */
  readonly older: number;
  /** An older one, by the order in which its writer stored them, says to be of this later time: a clock went back, or somebody lies. */
  readonly laterClaim?: Date;
  /** Other keys that stored one of the same file and host, with the time of their newest. */
  readonly rivals: readonly { readonly writer: string; readonly time: Date }[];
}

/** A record that is not used, and why. */
export interface RefusedRecord {
  readonly id: string;
  readonly problem: string;
}

export interface FoundConfigurations {
  /** Newest first. */
  readonly found: readonly FoundConfiguration[];
  readonly refused: readonly RefusedRecord[];
}

type Stored = LifeboatRecord & { readonly kept: ConfigurationRecord };

/** Of each host and file the newest one, every signature verified. Of one writer the highest sequence is the newest, whatever its clock said. */
export async function findConfigurations(repository: {
  readonly records: Pick<RecordStore, 'list'>;
}): Promise<FoundConfigurations> {
  const refused: RefusedRecord[] = [];
  const records = await repository.records.list({
    kind: configurationKind,
    onDamaged: (id, problem) => refused.push({ id, problem }),
  });
  const stored = records.flatMap((record): Stored[] => {
    const parsed = parseConfigurationRecord(record.body);
    if ('record' in parsed) return [{ ...record, kept: parsed.record }];
    refused.push({ id: record.id, problem: parsed.problem });
    return [];
  });
  const groups = Map.groupBy(stored, ({ kept }) => JSON.stringify([kept.host, kept.file]));
  const found = [...groups.values()].map(newestOf);
  return { found: found.sort((a, b) => b.time.getTime() - a.time.getTime()), refused };
}

function newestOf(records: readonly Stored[]): FoundConfiguration {
  const byWriter = [...Map.groupBy(records, ({ writer }) => writer).values()];
  const newest = byWriter.map((own) => own.reduce((a, b) => (isNewer(b, a) ? b : a)));
  const [chosen, ...rivals] = newest.sort((a, b) => b.time.getTime() - a.time.getTime());
  const { kept, id, time, writer, sequence } = chosen as Stored;
  const own = records.filter((each) => each.writer === writer);
  const latest = new Date(Math.max(...own.map((each) => each.time.getTime())));
  return {
    ...{ kept, id, time, writer, sequence },
    older: records.length - 1,
    ...(latest > time ? { laterClaim: latest } : {}),
    rivals: rivals.map((each) => ({ writer: each.writer, time: each.time })),
  };
}

function isNewer(a: Stored, b: Stored): boolean {
  if (a.sequence !== b.sequence) return a.sequence > b.sequence;
  return a.time > b.time;
}
