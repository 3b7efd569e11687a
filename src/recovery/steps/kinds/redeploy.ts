import { type ServiceSetting, sourcesOfService } from '../../../config/index.ts';
import { LifeboatError } from '../../../core/index.ts';
import { compareBaseline, type ServiceBaseline } from '../../../platforms/index.ts';
import {
  listServiceBaselines,
  type StoredServiceBaselines,
} from '../../service-baseline/service-baseline-record.ts';
import { type CommandSaid, runCommandWell } from '../run-command.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind, StepOutcome } from '../step-kind.ts';
import { platformOf, serviceNamed } from '../step-services.ts';

type Input = StepInputs['redeploy'];

const timeoutMs = 30 * 60_000;

/**
 * Puts a service back to what its recorded baseline says, by its `redeploy` command or a person, and compares afterwards: only what is
 * the same again counts as done. Whether it is the same says after a crash, too, what became of the step.
 */
export const redeploy: StepKind<Input> = {
  name: 'redeploy',

  async probe(input, context) {
    const service = serviceNamed(context.surroundings, input.service);
    const differs = await differences(service, await recorded(input, context), context);
    if (differs.length === 0) return { found: 'done', outcome: outcomeOf(input, []) };
    if (service.redeploy === undefined) return { found: 'not-done' };
    return { found: 'unclear', what: `${input.service} still differs: ${differs.join('; ')}` };
  },

  async run(input, context) {
    const service = serviceNamed(context.surroundings, input.service);
    const baseline = await recorded(input, context);
    const said: CommandSaid[] = [];
    if (service.redeploy !== undefined) {
      const { image = '', imageDigest = '' } = baseline.found;
      said.push(
        await runCommandWell(
          {
            words: service.redeploy,
            purpose: `deploy ${service.name} as it was`,
            timeoutMs,
            variables: { LIFEBOAT_IMAGE: image, LIFEBOAT_IMAGE_DIGEST: imageDigest },
          },
          context,
        ),
      );
    }
    const differs = await differences(service, baseline, context);
    if (differs.length > 0) throw stillOther(service, differs);
    return outcomeOf(input, said);
  },
};

interface Recorded {
  readonly found: ServiceBaseline;
  readonly salt: Uint8Array;
}

/** The one that the plan names; else the newest of any of its sources. */
async function recorded(input: Input, { surroundings }: StepContext): Promise<Recorded> {
  const service = serviceNamed(surroundings, input.service);
  for (const source of sourcesOfService(surroundings.configuration, service)) {
    const repository = await surroundings.repositoryOf(source);
    const all = await listServiceBaselines(repository, source);
    const wanted = (each: StoredServiceBaselines) =>
      input.baseline === undefined || each.id === input.baseline;
    const record = all.find((each) => wanted(each) && each.services[input.service]);
    const found = record?.services[input.service];
    if (record && found) return { found: found.baseline, salt: Buffer.from(record.salt, 'hex') };
  }
  throw new LifeboatError('plan.refused', `no backup recorded what ${input.service} was made of`, {
    hint: 'Deploy it by hand, then skip this step with a reason.',
  });
}

async function differences(
  service: ServiceSetting,
  { found, salt }: Recorded,
  { surroundings, signal }: StepContext,
): Promise<readonly string[]> {
  const now = await platformOf(surroundings, service).baseline(service, salt, { signal });
  return compareBaseline(found, now).map(({ text }) => text);
}

function stillOther({ name, redeploy: command }: ServiceSetting, differs: readonly string[]) {
  const by = command === undefined ? '' : ' after its redeploy command';
  return new LifeboatError(
    'run.failed',
    `${name} is not what it was recorded as${by}: ${differs.join('; ')}`,
    { hint: 'Put that right by hand and go on: what is the same again counts as done.' },
  );
}

function outcomeOf({ service, differs }: Input, said: readonly CommandSaid[]): StepOutcome {
  return {
    text: `${service} is made of what it was recorded as`,
    result: {},
    evidence: { differed: differs, commands: said },
  };
}
