import { isLifeboatError } from '../../core/index.ts';
import { type FreezeRecord, parseFreezeRecord } from './freeze-record.ts';
import type { FreezeWorld } from './freeze-request.ts';
import { noteUnsent, sendUnsent, unsentRecords } from './unsent-records.ts';
import { within } from './within.ts';

const kind = 'freeze';
const patienceMsDefault = 10_000;

export interface RepositoryProblem {
  readonly repository: string;
  readonly problem: string;
}

/**
 * Appends the record to every repository that can be reached soon, so that another host can thaw when this one is gone. Those that do not
 * have it get it with the next command, and what they lacked before is sent now. Resolves with those that do not have it.
 */
export async function copyToRepositories(
  world: FreezeWorld,
  record: FreezeRecord,
): Promise<readonly RepositoryProblem[]> {
  const { surroundings, repositoryPatienceMs: patienceMs = patienceMsDefault } = world;
  const { stateFolder, repositories } = surroundings.configuration;
  await noteUnsent(stateFolder, record, Object.keys(repositories));
  const outcomes = await inEach(world, async (name) => {
    const repository = await surroundings.repository(name);
    await repository.records.append({ kind, source: '', body: record });
    return true;
  });
  const away = outcomes.flatMap((each) => ('problem' in each ? [each] : []));
  const lacking = away.map(({ repository }) => repository);
  await noteUnsent(stateFolder, record, lacking);
  const repository = (name: string) =>
    lacking.includes(name) ? undefined : surroundings.repository(name);
  await sendUnsent({ stateFolder, repository, patienceMs });
  return away;
}

/**
 * What repositories say of the freezes of this installation, and will say when they have what they lack of this host; also of those that are thawed: of
 * each its newest record, oldest freeze first.
 */
export async function freezesInRepositories(world: FreezeWorld): Promise<{
  readonly records: readonly FreezeRecord[];
  readonly problems: readonly RepositoryProblem[];
}> {
  const { name: installation, stateFolder } = world.surroundings.configuration;
  const outcomes = await inEach(world, async (name) => {
    const repository = await world.surroundings.repository(name);
    return await repository.records.list({ kind });
  });
  const stored = outcomes.flatMap((each) => ('result' in each ? each.result : []));
  const parsed = stored.flatMap(({ body }) => parseFreezeRecord(body) ?? []);
  const newest = new Map<string, FreezeRecord>();
  for (const record of [...parsed, ...(await unsentRecords(stateFolder))]) {
    if (record.installation !== installation) continue;
    const known = newest.get(record.id);
    if (known === undefined || known.revision < record.revision) newest.set(record.id, record);
  }
  const records = [...newest.values()].sort((one, other) =>
    one.startedAt.localeCompare(other.startedAt),
  );
  return { records, problems: outcomes.flatMap((each) => ('problem' in each ? [each] : [])) };
}

async function inEach<Result>(
  { surroundings, repositoryPatienceMs = patienceMsDefault }: FreezeWorld,
  work: (name: string) => Promise<Result>,
): Promise<readonly (RepositoryProblem | { readonly result: Result })[]> {
  const names = Object.keys(surroundings.configuration.repositories);
  return await Promise.all(
    names.map(async (repository) => {
      try {
        const result = await within(repositoryPatienceMs, work(repository));
        return result === undefined ? { repository, problem: 'it does not answer' } : { result };
      } catch (error) {
        if (!isLifeboatError(error)) throw error;
        if (error.code === 'cancelled' || error.code === 'bug') throw error;
        return { repository, problem: error.message };
      }
    }),
  );
}
