import type { GroundFile } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import { defaultGrounds } from '../ground/default-grounds.ts';
import type { DatabaseDelivery, Ground, TreeDelivery } from '../ground/ground.ts';
import { createGround } from '../ground/registry.ts';
import type { StepContext } from './step-kind.ts';
import { settingOf } from './step-source.ts';

/** Where a source goes, and how later steps find that again: a server that was stopped meanwhile cannot say where its data is. */
export interface StepGround {
  readonly ground: Ground<TreeDelivery | DatabaseDelivery>;
  readonly setting: GroundFile;
  /** For `result.ground`: the folder, when the configuration does not say it. */
  readonly found: Readonly<Record<string, unknown>>;
}

/** Errors: `plan.refused`: nobody says where it goes; those of making the ground. */
export async function groundOf(
  source: string,
  former: string | undefined,
  context: StepContext,
): Promise<StepGround> {
  const { surroundings, outcomes } = context;
  const configured = settingOf(source, context).ground;
  const known = former === undefined ? undefined : outcomes[former]?.result.ground;
  const setting = configured ?? folderIn(known) ?? (await onlyDefault(source, context));
  const ground = (await createGround(setting, surroundings)) as StepGround['ground'];
  return { ground, setting, found: configured ? {} : { ground: setting } };
}

function folderIn(known: unknown): GroundFile | undefined {
  const { kind, folder } = (known ?? {}) as Partial<Extract<GroundFile, { kind: 'folder' }>>;
  return kind === 'folder' && typeof folder === 'string' ? { kind, folder } : undefined;
}

async function onlyDefault(name: string, { surroundings }: StepContext): Promise<GroundFile> {
  const [only, other] = await defaultGrounds(await surroundings.source(name, 'protect'));
  if (only && !other) return only.ground;
  throw new LifeboatError('plan.refused', `nobody says where the restored ${name} is to be put`, {
    hint: `Configure sources.${name}.ground and go on.`,
  });
}
