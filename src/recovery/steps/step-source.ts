import type { SourceSetting } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import type { OtherRepository, PostgresSource, SourceContext } from '../../sources/index.ts';
import { userChecksOf } from '../validate/configured-checks.ts';
import type { UserCheck } from '../validate/user-check.ts';
import type { StepContext } from './step-kind.ts';

/** A PostgreSQL source of the configuration. Errors: `plan.refused`: the plan was made with another configuration. */
export async function postgresSource(
  name: string,
  purpose: 'protect' | 'rescue' | 'look',
  context: StepContext,
): Promise<PostgresSource> {
  settingOf(name, context);
  const source = await context.surroundings.source(name, purpose);
  if (source.kind === 'postgres') return source;
  throw new LifeboatError('plan.refused', `${name} is no PostgreSQL server any more`, {
    hint: 'Make a new plan with the configuration as it is now.',
  });
}

export function settingOf(name: string, { surroundings }: StepContext): SourceSetting {
  const setting = surroundings.configuration.sources[name];
  if (setting) return setting;
  throw new LifeboatError('plan.refused', `the configuration has no source ${name} any more`, {
    hint: 'Make a new plan with the configuration as it is now.',
  });
}

export function checksOfSource(source: PostgresSource, context: StepContext): readonly UserCheck[] {
  const setting = settingOf(source.name, context);
  return setting.kind === 'postgres' ? userChecksOf(source, setting) : [];
}

/** How long a backup waits for whoever else works with the repository. */
const lockWaitMs = 5 * 60_000;

/** What a backup of it takes, to every repository that its backups go to. */
export async function backupContext(name: string, context: StepContext): Promise<SourceContext> {
  const { surroundings, signal, progress } = context;
  const setting = settingOf(name, context);
  const others = setting.kind === 'postgres' ? (setting.alsoTo ?? []) : [];
  const alsoTo = others.map(
    (each): OtherRepository => ({ name: each, open: () => surroundings.repository(each) }),
  );
  return {
    repository: await surroundings.repositoryOf(name),
    ...(alsoTo.length > 0 ? { alsoTo } : {}),
    lockWaitMs,
    signal,
    progress,
  };
}
