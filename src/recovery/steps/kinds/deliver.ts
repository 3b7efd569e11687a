import type { GroundFile } from '../../../config/index.ts';
import { parseConnectionUrl } from '../../../sources/index.ts';
import type { Ground, TreeDelivery } from '../../ground/ground.ts';
import { serverConnectionOf } from '../../ground/registry.ts';
import { examineServer } from '../../ground/server/examine-server.ts';
import { dumpsLeftBy, dumpsToDeliver, fillServer } from '../fill-server.ts';
import { isOfFiles, placeOnGround } from '../place-on-ground.ts';
import { placeLeftBy } from '../restored-place.ts';
import { groundOf, type StepGround } from '../step-ground.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { ProbeResult, StepContext, StepKind, StepOutcome } from '../step-kind.ts';
import { settingOf } from '../step-source.ts';

type Input = StepInputs['deliver'];

/** Beside what is in use, complete and durable; nothing that is in use is touched. */
export const deliverStep: StepKind<Input> = {
  name: 'deliver',

  async check({ source }, context) {
    const setting = settingOf(source, context);
    if (isOfFiles(setting) || setting.ground?.kind !== 'server') return [];
    const own = parseConnectionUrl(setting.connection).database;
    const { databases = [own] } = setting.kind === 'postgres-dump' ? setting : {};
    return await examineServer({
      connection: await serverConnectionOf(setting.ground, context.surroundings),
      databases,
      programsFolder: setting.programs,
      signal: context.signal,
    });
  },

  async probe(input, context): Promise<ProbeResult> {
    const to = await groundOf(input.source, undefined, context);
    const state = await to.ground.state(context.token, context);
    if (state === 'nothing') return { found: 'not-done', isAsBefore: true };
    if (state === 'begun') return { found: 'continue' };
    return { found: 'done', outcome: outcomeOf(input, to, context) };
  },

  async run(input, context) {
    const to = await groundOf(input.source, undefined, context);
    if (to.setting.kind === 'server') await fillServer(input, to.ground, context);
    else await fillTree(input, to, context);
    return outcomeOf(input, to, context);
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

function outcomeOf(
  { source, of }: Input,
  { ground, setting, found }: StepGround,
  context: StepContext,
): StepOutcome {
  const place = placeOnGround(setting, settingOf(source, context));
  const dumps = dumpsLeftBy(of, context);
  const databases = dumps && { databases: dumpsToDeliver(dumps, source, context) };
  return {
    text: `brought the restored ${source} to ${ground.describe()}, beside what is in use`,
    result: { ...found, place, ...databases },
    evidence: { ground: ground.describe() },
  };
}
