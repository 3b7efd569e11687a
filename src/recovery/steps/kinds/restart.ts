import type { StepInputs } from '../step-inputs.ts';
import type { StepKind } from '../step-kind.ts';
import { platformOf, serviceNamed } from '../step-services.ts';

const linesKept = 40;

/** Stops and starts a service, and waits until it is there. */
export const restartStep: StepKind<StepInputs['restart']> = {
  name: 'restart',

  async probe({ service: name }, { surroundings, signal }) {
    const service = serviceNamed(surroundings, name);
    const { status, text } = await platformOf(surroundings, service).inspect(service, { signal });
    if (status !== 'running') return { found: 'continue' };
    return {
      found: 'unclear',
      what: `${name} runs (${text}); whether it was started again nobody saw`,
    };
  },

  async run({ service: name }, { surroundings, signal, progress }) {
    const service = serviceNamed(surroundings, name);
    const platform = platformOf(surroundings, service);
    const request = { signal, progress };
    const before = await platform.inspect(service, request);
    await platform.restart(service, request);
    const after = await platform.inspect(service, request);
    const output = await platform.output(service, { lines: linesKept }, request);
    return {
      text: `started ${name} again: ${after.text}`,
      result: { service: name },
      evidence: { before: before.text, after: after.text, output },
    };
  },
};
