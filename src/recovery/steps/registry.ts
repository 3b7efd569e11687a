import { LifeboatError } from '../../core/index.ts';
import type { StepInputs } from './step-inputs.ts';
import type { StepKind, StepKindName } from './step-kind.ts';

type Loaders = {
  readonly [Kind in StepKindName]: () => Promise<StepKind<StepInputs[Kind]>>;
};

/** The code of each kind of step. Loading one loads what it needs, and only that. */
const loaders: Loaders = {
  identify: async () => (await import('./kinds/identify.ts')).identifyStep,
  freeze: async () => (await import('./kinds/freeze.ts')).freezeStep,
  isolate: async () => (await import('./kinds/isolate.ts')).isolate,
  'forensic-copy': async () => (await import('./kinds/forensic-copy.ts')).forensicCopy,
  'safety-snapshot': async () => (await import('./kinds/back-up.ts')).safetySnapshot,
  assess: async () => (await import('./kinds/assess.ts')).assessStep,
  clearance: async () => (await import('./kinds/by-people.ts')).clearanceStep,
  restart: async () => (await import('./kinds/restart.ts')).restartStep,
  'rescue-rows': async () => (await import('./kinds/rescue-rows.ts')).rescueRows,
  extract: async () => (await import('./kinds/extract.ts')).extractStep,
  restore: async () => (await import('./kinds/restore.ts')).restoreStep,
  'restore-files': async () => (await import('./kinds/restore-files.ts')).restoreFilesStep,
  redeploy: async () => (await import('./kinds/redeploy.ts')).redeploy,
  validate: async () => (await import('./kinds/validate.ts')).validateStep,
  deliver: async () => (await import('./kinds/deliver.ts')).deliverStep,
  swap: async () => (await import('./kinds/swap.ts')).swapStep,
  'point-services': async () => (await import('./kinds/point-services.ts')).pointServices,
  command: async () => (await import('./kinds/command.ts')).commandStep,
  manual: async () => (await import('./kinds/by-people.ts')).manualStep,
  'rotate-credentials': async () =>
    (await import('./kinds/rotate-credentials.ts')).rotateCredentials,
  'test-services': async () => (await import('./kinds/test-services.ts')).testServices,
  thaw: async () => (await import('./kinds/thaw.ts')).thawStep,
  watch: async () => (await import('./kinds/watch.ts')).watch,
  backup: async () => (await import('./kinds/back-up.ts')).freshBackup,
  prove: async () => (await import('./kinds/prove.ts')).proveStep,
  settle: async () => (await import('./kinds/swap.ts')).settleStep,
};

/** Errors: `plan.refused`: this version does not know it. */
export async function stepKind(name: StepKindName): Promise<StepKind> {
  // A plan may be of a newer version.
  const load = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
  if (load) return (await load()) as StepKind;
  throw new LifeboatError('plan.refused', `this version has no code for steps of kind "${name}"`, {
    hint: 'Nothing of this step was done. Make the plan with the version that is to carry it out.',
  });
}

/** All there is, by name: for whoever wants to know what each has against a plan. */
export async function knownStepKinds(): Promise<Partial<Record<StepKindName, StepKind>>> {
  const names = Object.keys(loaders) as StepKindName[];
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await stepKind(name)] as const)),
  );
}
