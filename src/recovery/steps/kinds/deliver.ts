import type { GroundFile } from '../../../config/index.ts';
import { findClientPrograms, openSqlClient, parseConnectionUrl } from '../../../sources/index.ts';
import type { Ground, TreeDelivery } from '../../ground/ground.ts';
import { deliverDatabases } from '../../ground/server/deliver-databases.ts';
import type { RestoredPlace } from '../../validate/application/test-service.ts';
import { placeLeftBy } from '../restored-place.ts';
import { withRestored } from '../restored-server.ts';
import { groundOf, type StepGround } from '../step-ground.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { ProbeResult, StepContext, StepKind, StepOutcome } from '../step-kind.ts';
import { postgresSource } from '../step-source.ts';

type Input = StepInputs['deliver'];

/** Beside what is in use, complete and durable; nothing that is in use is touched. */
export const deliverStep: StepKind<Input> = {
  name: 'deliver',

  async probe(input, context): Promise<ProbeResult> {
    const to = await groundOf(input.source, undefined, context);
    const state = await to.ground.state(context.token, context);
    if (state === 'nothing') return { found: 'not-done' };
    if (state === 'begun') return { found: 'continue' };
    return { found: 'done', outcome: outcomeOf(input, to) };
  },

  async run(input, context) {
    const to = await groundOf(input.source, undefined, context);
    if (to.setting.kind === 'server') await fillServer(input, to, context);
    else await fillTree(input, to, context);
    return outcomeOf(input, to);
  },

  async undo(input, _outcome, context) {
    const { ground } = await groundOf(input.source, undefined, context);
    const state = await ground.state(context.token, context);
    if (state === 'nothing') return 'nothing of it was there';
    // Somebody has left the swap as it is.
    if (state === 'swapped' || state === 'settled') {
      return `what was brought to ${ground.describe()} is in use there, and stays`;
    }
    await ground.discard(context.token, context);
    return `removed what was brought to ${ground.describe()}`;
  },
};

async function fillTree(
  input: Input,
  { ground, setting }: StepGround,
  context: StepContext,
): Promise<void> {
  const { folder } = placeLeftBy(input.of, context);
  const { bytes, owner: former } = context.outcomes[input.of]?.result ?? {};
  const owner = ownerThere(setting, former);
  await (ground as Ground<TreeDelivery>).fill(
    context.token,
    {
      kind: 'tree',
      folder: folder as string,
      bytes: typeof bytes === 'number' ? bytes : 0,
      ...(owner === undefined ? {} : { owner }),
    },
    context,
  );
}

/** Of files each has its own, which came along. Only root gives files to others. */
function ownerThere(setting: GroundFile, former: unknown): TreeDelivery['owner'] {
  if (setting.kind === 'server' || former === undefined) return undefined;
  if (setting.owner !== undefined) {
    const [uid, gid] = setting.owner.split(':').map(Number);
    return { uid: uid as number, gid: gid as number };
  }
  if (setting.kind === 'folder' && process.getuid?.() !== 0) return undefined;
  return former as TreeDelivery['owner'];
}

/** By connection alone: dumped out of a private server on the restored data, loaded beside. */
async function fillServer(input: Input, { ground }: StepGround, context: StepContext) {
  const source = await postgresSource(input.source, 'protect', context);
  const { programsFolder } = source.settings;
  await withRestored(input, context, async (restored) => {
    const major = Math.floor(restored.base.info.serverVersion / 10_000);
    const connection = restored.connection('template1');
    await using opened = await openSqlClient(connection);
    const { rows } = await opened.client.query<{ name: string }>(
      `select datname as name from pg_database
         where datallowconn and not datistemplate and datname <> 'postgres' order by 1`,
    );
    const delivery = deliverDatabases({
      connection,
      programs: await findClientPrograms(
        major,
        programsFolder ? { configuredFolder: programsFolder } : {},
      ),
      databases: rows.map(({ name }) => name),
    });
    await ground.fill(context.token, delivery, context);
  });
}

function outcomeOf({ source }: Input, { ground, setting, found }: StepGround): StepOutcome {
  const where = placeOf(setting);
  const place = where === undefined ? {} : { place: where };
  return {
    text: `brought the restored ${source} to ${ground.describe()}, beside what is in use`,
    result: { ...found, ...place },
    evidence: { ground: ground.describe() },
  };
}

/** What services are told who are to work with it there; undefined where only its platform knows. */
function placeOf(setting: GroundFile): RestoredPlace | undefined {
  switch (setting.kind) {
    case 'folder':
      return { folder: setting.folder };
    case 'ssh-host':
      return { host: setting.host.replace(/^.*@/, ''), folder: setting.folder };
    case 'server': {
      const { host, port, database } = parseConnectionUrl(setting.connection);
      return { host, port, database };
    }
    case 'docker-volume':
    case 'kubernetes-claim':
      return undefined;
  }
}
