import type { Configuration, ServiceSetting } from '../../../config/index.ts';
import { assert } from '../../../core/index.ts';
import { affectedServices } from '../../freeze/affected-services.ts';
import type { InputOf } from '../../steps/step-inputs.ts';
import type { StepKindName } from '../../steps/step-kind.ts';
import type { Expected } from '../expect-time.ts';
import type { PlanFacts, SourceFacts } from '../facts.ts';
import type { Authority, RunMode, Step } from '../plan.ts';

/** What a step asks for; the environment decides whether it really is asked. */
export interface Asked {
  readonly authority: Authority;
  readonly question: string;
  /** What has to be typed out where much is at stake. */
  readonly typed?: string;
}

/** A step on its way into a plan. */
export type StepDraft = Omit<Step, 'approval' | 'expectedMs'> & {
  readonly expected?: Expected;
  readonly asked?: Asked;
};

/** What every builder of steps sees. */
export interface Building {
  readonly facts: PlanFacts;
  readonly configuration: Configuration;
  readonly mode: RunMode;
}

/** Lets TypeScript hold each input against its kind. */
export function draft<Kind extends StepKindName>(
  step: Omit<
    StepDraft,
    'kind' | 'input' | 'commands' | 'isDestructive' | 'evidence' | 'expected'
  > & {
    readonly kind: Kind;
    readonly input: InputOf<Kind>;
    readonly commands?: readonly (readonly string[])[];
    readonly isDestructive?: boolean;
    readonly evidence?: readonly string[];
    /** Undefined: never measured. */
    readonly expected?: Expected | undefined;
  },
): StepDraft {
  const { expected, ...rest } = step;
  return {
    commands: [],
    isDestructive: false,
    evidence: [],
    ...rest,
    input: rest.input as Readonly<Record<string, unknown>>,
    ...(expected === undefined ? {} : { expected }),
  };
}

export function sourceOf({ facts }: Building, name: string): SourceFacts {
  const source = facts.sources.find((each) => each.name === name);
  assert(source !== undefined, `no facts of the source ${name}`);
  return source;
}

/** Who is stopped for the sake of these, in that order: the same as a freeze of them by hand. */
export function writersOf(
  { configuration }: Building,
  sources: readonly Pick<SourceFacts, 'name'>[],
): readonly ServiceSetting[] {
  const names = sources.map(({ name }) => name);
  return affectedServices(configuration, names).map(({ service }) => service);
}
