import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, writeFileDurably } from '../../../core/index.ts';
import type { ServiceState } from '../../../platforms/index.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind } from '../step-kind.ts';
import { platformOf, serviceNamed } from '../step-services.ts';

type Input = StepInputs['restart'];

const linesKept = 40;

/** Stops and starts a service, and waits until it is there. Undone is only what was cut between the two. */
export const restartStep: StepKind<Input> = {
  name: 'restart',

  async probe({ service: name, didNotRun }, { surroundings, signal }) {
    // All that was wanted is that it runs: going on only waits for what is on its way.
    if (didNotRun) return { found: 'continue' };
    const service = serviceNamed(surroundings, name);
    const { status, text } = await platformOf(surroundings, service).inspect(service, { signal });
    if (status !== 'running') return { found: 'continue' };
    return {
      found: 'unclear',
      what: `${name} runs (${text}); whether it was started again nobody saw`,
    };
  },

  async run(input, context) {
    const { service: name } = input;
    const { surroundings, signal, progress } = context;
    const service = serviceNamed(surroundings, name);
    const platform = platformOf(surroundings, service);
    const request = { signal, progress };
    // Of a second attempt it is what the first one left.
    const now = await platform.inspect(service, request);
    const before = (await formerState(input, context)) ?? now;
    await writeFileDurably(noteOf(input, context), JSON.stringify(before));
    const isStarted = input.didNotRun === true && now.status === 'running';
    await (isStarted
      ? platform.restore(service, now, request)
      : platform.restart(service, request));
    const after = await platform.inspect(service, request);
    const output = await platform.output(service, { lines: linesKept }, request);
    return {
      text: `started ${name} again: ${after.text}`,
      result: { service: name },
      evidence: { before: before.text, after: after.text, output },
    };
  },

  async undo(input, outcome, context) {
    const { service: name, didNotRun } = input;
    if (didNotRun) return await stopAgain(name, context);
    if (outcome) return `${name} was started again, and runs: there is nothing to put back`;
    const former = await formerState(input, context);
    if (former === undefined) return `nothing of ${name} was changed`;
    const { surroundings, signal, progress } = context;
    const service = serviceNamed(surroundings, name);
    await platformOf(surroundings, service).restore(service, former, { signal, progress });
    return `made ${name} what it was: ${former.text}`;
  },
};

async function stopAgain(name: string, context: StepContext): Promise<string> {
  const { surroundings, signal, progress } = context;
  const service = serviceNamed(surroundings, name);
  await platformOf(surroundings, service).stop(service, { signal, progress });
  return `stopped ${name}, which did not run before`;
}

function noteOf({ service }: Input, { folder }: StepContext): string {
  return join(folder, `restart-${service}.json`);
}

async function formerState(input: Input, context: StepContext): Promise<ServiceState | undefined> {
  const note = noteOf(input, context);
  try {
    return JSON.parse(await readFile(note, 'utf8')) as ServiceState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(error, `could not read ${note}`);
  }
}
