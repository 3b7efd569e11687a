import { formatDuration } from '../core/index.ts';
import type { Location } from '../repository/index.ts';
import type { Finding } from '../sources/index.ts';
import type { CommandContext } from './command.ts';
import { describeFinding } from './output/finding.ts';

/** What a bucket can do, tried; nothing for places that have no such abilities. */
export async function examineAbilities(
  location: Location,
  signal?: AbortSignal,
): Promise<readonly Finding[]> {
  const seen = await location.probe?.(signal);
  if (seen === undefined) return [];
  const findings: Finding[] = [];
  const check = 'object store';
  const able = [
    seen.conditionalWrites && 'conditional writes',
    seen.versioning && 'versions',
    seen.objectLock && 'object lock',
  ].filter((each) => typeof each === 'string');
  if (able.length > 0) {
    findings.push({ check, outcome: 'ok', fact: `the bucket has ${able.join(', ')}`, remedy: '' });
  }
  for (const remark of seen.remarks) findings.push({ check, outcome: 'warning', ...remark });
  const promise = location.objectLock?.promise;
  if (promise === undefined) {
    if (seen.objectLock) {
      const fact =
        'nothing is locked, though the bucket could: whoever has these credentials can remove versions unless a policy forbids it';
      const remedy = 'Add `lock: 30d` (as long as you want to be safe) to the repository.';
      findings.push({ check, outcome: 'warning', fact, remedy });
    }
  } else if (seen.objectLock === false) {
    const fact = 'the configuration has `lock:`, but the bucket has no object lock';
    const remedy = 'Use a bucket that was created with object lock, or take `lock:` out.';
    findings.push({ check, outcome: 'problem', fact, remedy });
  } else {
    const fact = `every snapshot stays at least ${formatDuration(promise.periodMs)} (${promise.mode})`;
    findings.push({ check, outcome: 'ok', fact, remedy: '' });
  }
  return findings;
}

/** The same as output of `init`: what a bucket cannot do is better known before it holds the only backups. */
export async function tellAbilities(context: CommandContext, location: Location): Promise<void> {
  for (const finding of await examineAbilities(location, context.signal)) {
    const about = location.describe();
    context.output.report({ type: 'finding', about, ...finding }, (style) =>
      describeFinding(finding, style),
    );
  }
}
