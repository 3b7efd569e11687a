import { isLifeboatError, LifeboatError } from '../../../core/index.ts';
import { openSession } from '../../rescue/session.ts';
import { groundOf } from '../step-ground.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind } from '../step-kind.ts';
import { platformOf, serviceNamed } from '../step-services.ts';
import { settingOf } from '../step-source.ts';

type Input = StepInputs['identify'];
type Place = Input['places'][string];

const lookWithinMs = 30_000;

/** Undefined: it does not answer, which may be what the recovery is about. */
type Found = Place | undefined;

/** Is this where the plan wanted to go? A context that was switched, or the wrong host, is found out before anything is changed. */
export const identifyStep: StepKind<Input> = {
  name: 'identify',

  async probe() {
    return { found: 'not-done' };
  },

  async run({ places }, context) {
    const moved: string[] = [];
    const unseen: string[] = [];
    const seen: Record<string, Place> = {};
    let isService = false;
    for (const [name, planned] of Object.entries(places)) {
      const found = await lookAt(name, context);
      if (found === undefined) unseen.push(name);
      else seen[name] = found;
      if (found === undefined || found.fingerprint === planned.fingerprint) continue;
      moved.push(`${name} was ${planned.text}, and is ${found.text} now`);
      isService ||= name.startsWith('service ');
    }
    if (moved.length > 0) {
      throw new LifeboatError(
        isService ? 'platform.other-place' : 'ground.other-place',
        moved.join('; '),
        {
          hint: 'Nothing was changed. Go to the right host or context, or make a new plan for this one.',
          context: { moved },
        },
      );
    }
    const rest = unseen.length > 0 ? `; ${unseen.join(', ')} did not answer` : '';
    const count = Object.keys(seen).length;
    return {
      text: `${count === 0 ? 'there is no server or service to tell apart' : `${count} ${count === 1 ? 'place is that' : 'places are those'} of the plan`}${rest}`,
      result: {},
      evidence: { seen, unseen },
    };
  },
};

async function lookAt(name: string, context: StepContext): Promise<Found> {
  const [, kind, of = ''] = /^(service|server of|ground of) (.+)$/.exec(name) ?? [];
  if (kind === 'service') return await lookAtService(of, context);
  if (kind === 'server of') return await lookAtServer(of, context);
  if (kind === 'ground of') return await lookAtGround(of, context);
  return undefined;
}

async function lookAtGround(source: string, context: StepContext): Promise<Found> {
  const { ground } = await groundOf(source, undefined, context);
  return await ground.identify(context);
}

/** Its platform has to answer: it is about to be driven. */
async function lookAtService(name: string, context: StepContext): Promise<Found> {
  const service = serviceNamed(context.surroundings, name);
  const { signal } = context;
  return await platformOf(context.surroundings, service).identify({ signal });
}

async function lookAtServer(name: string, context: StepContext): Promise<Found> {
  settingOf(name, context);
  const source = await context.surroundings.source(name, 'protect');
  if (source.kind !== 'postgres' && source.kind !== 'postgres-dump') return undefined;
  try {
    // One that hangs is one that does not answer.
    const limit = AbortSignal.any([context.signal, AbortSignal.timeout(lookWithinMs)]);
    await using session = await openSession(source.settings.connection, limit, 'lifeboat recover');
    const [row] = await session.rows<{ id: string }>(
      'select system_identifier::text as id from pg_control_system()',
    );
    const fingerprint = row?.id as string;
    return { text: `${source.describe()} (cluster ${fingerprint})`, fingerprint };
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    if (isLifeboatError(error, 'postgres.untrusted')) throw error;
    return undefined;
  }
}
