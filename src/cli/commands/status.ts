import { type Configuration, integrityOf, pickNamed, proofsOf } from '../../config/index.ts';
import { ExitCode, isLifeboatError } from '../../core/index.ts';
import { type FrozenSource, frozenSources, sendUnsent } from '../../recovery/index.ts';
import {
  frozenTooLongMs,
  keptSources,
  repositoryStatus,
  type SeenRepository,
  type SourceStatus,
  sourceStatus,
} from '../../service/index.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import {
  createConfiguredSource,
  loadConfigured,
  openConfiguredLocation,
  openConfiguredRepository,
} from '../configured.ts';
import { nextCommand } from '../next-command.ts';
import {
  describeRepositoryStatus,
  describeSourceStatus,
  repositoryIsBad,
  sourceIsBad,
} from '../output/status-text.ts';

const sendWithinMs = 5000;

export const status = defineCommand({
  description: `Shows at a glance whether everything is protected. Per source: its last backup and how old it is,
from when to when it can be restored, when that was last proven and what is unproven, its snapshots, those that are flagged and why; of a
database that \`serve\` streams here, how much the loss of a host would take now. Per
repository: whether it can be reached, who holds a lock, how far a copy is behind, when it was
last checked, pruned and copied, and what stock tools left behind. Changes nothing, but a repository
that was away gets what it missed of a freeze. Exit code 1
when something needs attention: no backup, one that is overdue, a log with a hole or that never
arrives, a proof that failed or expired, a check of the live server that did not run, a freeze that lasts too
long or is not complete, a repository out of reach.`,
  examples: ['status', 'status --json', 'status uploads'],
  arguments: [{ name: '[sources...]', description: 'names of sources; all when left out' }],
  options: {},
  async run({ arguments: given }, context) {
    const configuration = loadConfigured(context);
    const named = given.filter((each) => each !== undefined);
    for (const name of named) pickNamed('source', configuration.sources, name);
    const wanted = named.length > 0 ? named : Object.keys(configuration.sources);
    await using opened = new AsyncDisposableStack();
    const places = await Promise.all(
      Object.keys(configuration.repositories).map((name) =>
        look(context, configuration, name, opened),
      ),
    );
    // A repository that was away during a thaw still says that all is frozen.
    await sendUnsent({
      stateFolder: configuration.stateFolder,
      repository: (name) => {
        const place = places.find((each) => each.name === name);
        return place?.repository && Promise.resolve(place.repository);
      },
      patienceMs: sendWithinMs,
    });
    const { output, signal } = context;
    const aborting = { signal };
    const frozen = await frozenNow(context, configuration);
    let needsAttention = frozen === undefined;
    for (const name of wanted) {
      const own = frozen?.find(({ source }) => source === name);
      const seen = await statusOf(context, configuration, name, places, own);
      needsAttention ||= sourceIsBad(seen);
      const next = nextCommand(context, { configuration, source: { name } });
      output.report({ type: 'source-status', ...seen }, (style) =>
        describeSourceStatus(seen, next, style),
      );
    }
    const { stateFolder } = configuration;
    for (const place of named.length > 0 ? [] : places) {
      const seen = await repositoryStatus(place, places, {
        stateFolder,
        sources: keptSources(configuration, place.name),
        ...aborting,
      });
      needsAttention ||= repositoryIsBad(seen);
      output.report({ type: 'repository-status', ...seen }, (style) =>
        describeRepositoryStatus(seen, style),
      );
    }
    output.report({ type: 'status', needsAttention });
    return needsAttention ? ExitCode.failed : ExitCode.ok;
  },
});

/** Opens a repository and lists its snapshots; one that does not open is a finding, not the end. */
async function look(
  context: CommandContext,
  configuration: Configuration,
  name: string,
  opened: AsyncDisposableStack,
): Promise<SeenRepository> {
  const setting = configuration.repositories[name] as SeenRepository['setting'];
  // Not as it is written: an address may hold a password.
  const location = openConfiguredLocation(context, setting).describe();
  try {
    const repository = opened.use(await openConfiguredRepository(context, configuration, name));
    const { signal, output } = context;
    const snapshots = await repository.snapshots({ signal, progress: output.progress });
    return { name, setting, location, repository, snapshots };
  } catch (error) {
    if (!isLifeboatError(error) || error.code === 'cancelled' || error.code === 'bug') throw error;
    return { name, setting, location, snapshots: [], problem: error.message };
  }
}

/** A record that cannot be read is told, and needs somebody; the rest is shown all the same. */
async function frozenNow(
  { output }: CommandContext,
  configuration: Configuration,
): Promise<readonly FrozenSource[] | undefined> {
  const { stateFolder } = configuration;
  const tooLongMs = frozenTooLongMs(configuration);
  try {
    return await frozenSources({ stateFolder, tooLongMs, now: new Date() });
  } catch (error) {
    if (!isLifeboatError(error)) throw error;
    output.warn(error.message, error.hint);
    return undefined;
  }
}

async function statusOf(
  context: CommandContext,
  configuration: Configuration,
  name: string,
  places: readonly SeenRepository[],
  frozen: FrozenSource | undefined,
): Promise<SourceStatus> {
  const setting = configuration.sources[name] as Configuration['sources'][string];
  const place = places.find((each) => each.name === setting.repository) as SeenRepository;
  const source = await createConfiguredSource(context, configuration, name, 'look');
  const now = new Date();
  const { stateFolder } = configuration;
  const kept = keptSources(configuration, place.name).find((each) => each.name === name);
  const options = {
    now,
    stateFolder,
    proofs: proofsOf(configuration, name),
    integrity: integrityOf(configuration, name),
    promiseMs: kept?.windowMs,
    frozen,
    signal: context.signal,
  };
  return await sourceStatus(source, setting, place, options);
}
