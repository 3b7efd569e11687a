import {
  type Configuration,
  type ConfigurationFile,
  checkStoredConfiguration,
  storableConfiguration,
} from '../../config/index.ts';
import { isLifeboatError } from '../../core/index.ts';
import { programVersion, type Repository } from '../../repository/index.ts';
import type { RepositoryProblem } from '../freeze/freeze-copies.ts';
import { within } from '../freeze/within.ts';
import {
  configurationKind,
  fingerprintOf,
  mostConfigurationBytes,
} from './configuration-record.ts';
import { type FoundConfiguration, findConfigurations } from './find-configurations.ts';
import { readNotes, type StoredNote, writeNotes } from './stored-note.ts';

const patienceMsDefault = 5000;

export interface ConfigurationWorld {
  readonly configuration: Configuration;
  readonly environment: NodeJS.ProcessEnv;
  readonly host: string;
  readonly actor: string;
  repository(name: string): Promise<Repository>;
  /** Default 5 s. */
  readonly patienceMs?: number;
}

/**
 * Keeps the configuration, without any secret, as a signed record in each repository that it names, where no newest one of any host says the
 * same. While nothing changes no repository is asked. Resolves with those that do not have it; one that does not answer is not
 * waited for.
 */
export async function storeConfiguration(
  world: ConfigurationWorld,
): Promise<readonly RepositoryProblem[]> {
  const { configuration, environment, patienceMs = patienceMsDefault } = world;
  const { file, stateFolder, repositories } = configuration;
  const kept = storableConfiguration(configuration, environment);
  const fingerprint = fingerprintOf(kept);
  const notes = await readNotes(stateFolder);
  const known = notes[file] ?? {};
  const wanted = Object.entries(repositories).filter(([name, { location }]) => {
    const note = known[name];
    return note?.location !== location || note.fingerprint !== fingerprint;
  });
  if (wanted.length === 0) return [];
  const unfit = whyUnfit(kept.configuration);
  if (unfit !== undefined) {
    return wanted.map(([repository]) => ({ repository, problem: unfit }));
  }
  const stored: Record<string, StoredNote> = {};
  const problems: RepositoryProblem[] = [];
  await Promise.all(
    wanted.map(async ([name, { location }]) => {
      const problem = await problemOf(patienceMs, () => storeIn(world, name, kept, fingerprint));
      if (problem === undefined) stored[name] = { location, fingerprint };
      else problems.push({ repository: name, problem });
    }),
  );
  if (Object.keys(stored).length > 0) {
    await writeNotes(stateFolder, { ...notes, [file]: { ...known, ...stored } });
  }
  return problems;
}

/** What nobody could use later is not kept in the place of what can be. */
function whyUnfit(configuration: ConfigurationFile): string | undefined {
  if (JSON.stringify(configuration).length > mostConfigurationBytes) return 'it is far too large';
  const checked = checkStoredConfiguration(configuration);
  if (!('problem' in checked)) return undefined;
  return `a secret stands where it cannot be left out: ${checked.problem}`;
}

async function storeIn(
  { configuration, host, actor, repository: open }: ConfigurationWorld,
  name: string,
  kept: ReturnType<typeof storableConfiguration>,
  fingerprint: string,
): Promise<true> {
  const repository = await open(name);
  const { file } = configuration;
  const { found } = await findConfigurations(repository);
  // Of another host that says the same it is kept, too: a container is a new host each time it begins.
  const isKept = ({ kept: each }: FoundConfiguration) =>
    each.file === file && fingerprintOf(each) === fingerprint;
  if (found.some(isKept)) return true;
  const body = {
    format: 1,
    host,
    actor,
    program: programVersion(),
    file,
    repository: { name, id: repository.id },
    ...kept,
  };
  await repository.records.append({ kind: configurationKind, source: '', body });
  return true;
}

/** Undefined: it was done in time. */
async function problemOf(
  patienceMs: number,
  work: () => Promise<true>,
): Promise<string | undefined> {
  try {
    const done = await within(patienceMs, work());
    return done ? undefined : 'it does not answer';
  } catch (error) {
    if (!isLifeboatError(error)) throw error;
    if (error.code === 'cancelled' || error.code === 'bug') throw error;
    return error.message;
  }
}
