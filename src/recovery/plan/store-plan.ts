import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, isLifeboatError, LifeboatError, writeFileDurably } from '../../core/index.ts';
import { canonicalJson, type Repository } from '../../repository/index.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Plan } from './plan.ts';
import { planId, sealPlan } from './seal-plan.ts';

export const planKind = 'plan';

type Places = Pick<Surroundings, 'configuration' | 'repository'>;

export interface StoredPlan {
  /** Where it is durable: `state`, and names of repositories. */
  readonly stored: readonly string[];
  /** Repositories that could not take it, and why. */
  readonly problems: Readonly<Record<string, string>>;
}

/**
 * Keeps a plan: first in the state folder of this host, then as a record in every repository of the configuration. Storing it again changes
 * nothing here. Resolves when this host has it. Errors: `disk.full`, `file.unreadable`.
 */
export async function storePlan(plan: Plan, surroundings: Places): Promise<StoredPlan> {
  const { configuration } = surroundings;
  const folder = planFolder(configuration.stateFolder);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileError(error, `could not make ${folder}`);
  }
  await writeFileDurably(join(folder, `${plan.id}.json`), `${canonicalJson(plan)}\n`);
  const stored = ['state'];
  const problems: Record<string, string> = {};
  await Promise.all(
    Object.keys(configuration.repositories).map(async (name) => {
      try {
        await append(await surroundings.repository(name), plan);
        stored.push(name);
      } catch (error) {
        if (isLifeboatError(error, 'cancelled') || !isLifeboatError(error)) throw error;
        problems[name] = error.message;
      }
    }),
  );
  return { stored, problems };
}

/**
 * A plan by its id, or the beginning of it: of this host, else of any repository. Errors: `plan.refused` (there is none, several begin so,
 * or what is stored is not what its name says).
 */
export async function loadPlan(id: string, surroundings: Places): Promise<Plan> {
  const folder = planFolder(surroundings.configuration.stateFolder);
  const here = (await namesIn(folder)).filter((each) => each.startsWith(id));
  if (here.length > 1) throw ambiguous(id, here);
  const [name] = here;
  if (name !== undefined) {
    const text = await readFile(join(folder, `${name}.json`), 'utf8').catch((error) => {
      throw fileError(error, `could not read the plan ${name}`);
    });
    return parsePlan(text, name);
  }
  const found = new Map<string, Plan>();
  for (const each of Object.keys(surroundings.configuration.repositories)) {
    for (const plan of await plansIn(surroundings, each)) {
      if (plan.id.startsWith(id)) found.set(plan.id, plan);
    }
  }
  if (found.size > 1) throw ambiguous(id, [...found.keys()]);
  const [plan] = found.values();
  if (plan !== undefined) return plan;
  throw new LifeboatError('plan.refused', `there is no plan ${JSON.stringify(id)}`, {
    hint: 'Make one with `lifeboat plan --keep`, and name its id.',
  });
}

/** What is stored, held against its name. Errors: `plan.refused`. */
export function parsePlan(text: string, name: string): Plan {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw damaged(name, 'it is no JSON');
  }
  return requirePlan(content, name);
}

function requirePlan(content: unknown, name: string): Plan {
  const plan = content as Plan | null;
  if (typeof plan !== 'object' || plan === null) throw damaged(name, 'it is no object');
  if (plan.format !== 1) throw damaged(name, 'another version made it');
  if (!Array.isArray(plan.steps)) throw damaged(name, 'it has no steps');
  if (plan.id !== name || planId(plan) !== name) throw damaged(name, 'its content was changed');
  return sealPlan(plan);
}

async function append(repository: Repository, plan: Plan): Promise<void> {
  const known = await repository.records.list({ kind: planKind, source: plan.id });
  if (known.length > 0) return;
  await repository.records.append({ kind: planKind, source: plan.id, body: plan });
}

/** One that does not open has none for us; what was changed is passed over. */
async function plansIn(surroundings: Places, name: string): Promise<readonly Plan[]> {
  try {
    const repository = await surroundings.repository(name);
    const records = await repository.records.list({ kind: planKind });
    return records.flatMap(({ body, source }) => {
      try {
        return [requirePlan(body, source)];
      } catch {
        return [];
      }
    });
  } catch (error) {
    if (isLifeboatError(error, 'cancelled')) throw error;
    return [];
  }
}

function planFolder(stateFolder: string): string {
  return join(stateFolder, 'plans');
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    const names = await readdir(folder);
    return names.flatMap((name) => /^([0-9a-f]{16})\.json$/.exec(name)?.[1] ?? []);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fileError(error, `could not read ${folder}`);
  }
}

function ambiguous(id: string, found: readonly string[]): LifeboatError {
  return new LifeboatError(
    'plan.refused',
    `${found.length} plans begin with ${JSON.stringify(id)}`,
    {
      hint: `Name one of them: ${found.join(', ')}.`,
    },
  );
}

function damaged(name: string, problem: string): LifeboatError {
  return new LifeboatError('plan.refused', `the plan ${name} cannot be used: ${problem}`, {
    hint: 'Nothing was done. Make a new one with `lifeboat plan`.',
  });
}
