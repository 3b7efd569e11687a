import type { StepKindName } from '../steps/step-kind.ts';

/** What a recovery is for: without a measure of these there is none of the whole. */
const core: readonly StepKindName[] = [
  'restart',
  'rescue-rows',
  'extract',
  'restore',
  'restore-files',
  'redeploy',
];
/** Take as long as people take. */
const byPeople: readonly StepKindName[] = ['manual', 'clearance'];

/** Those until services write again; watching, backup and proof come after. Where there is nothing but a backup, all of it. */
export function stepsUntilBack<Kind extends { readonly kind: StepKindName }>(
  steps: readonly Kind[],
  isOnlyBackup: boolean,
): readonly Kind[] {
  const end = steps.findIndex(({ kind }) => kind === 'watch');
  return end < 0 || isOnlyBackup
    ? steps.filter(({ kind }) => kind !== 'settle')
    : steps.slice(0, end);
}

/** Whether nothing is known of the whole where this was never measured. */
export function isCore({ kind }: { readonly kind: StepKindName }, isOnlyBackup: boolean): boolean {
  return core.includes(kind) || (isOnlyBackup && kind === 'backup');
}

export function isByPeople({ kind }: { readonly kind: StepKindName }): boolean {
  return byPeople.includes(kind);
}
