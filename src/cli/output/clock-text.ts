import { formatDuration } from '../../core/index.ts';
import type { RecoveryClock } from '../../recovery/index.ts';

/**
 * `23m 10s since the loss was declared, 6m 50s of 30m left, about 4m until services write again`; once they do
 * `services wrote again 23m 10s after the loss was declared, within the objective of 30m`.
 */
export function describeClock(clock: RecoveryClock): string {
  const { elapsedMs, isStopped, remainingMs, unmeasured, objectiveMs, leftMs } = clock;
  const elapsed = formatDuration(elapsedMs);
  const parts = [
    isStopped
      ? `services wrote again ${elapsed} after the loss was declared`
      : `${elapsed} since the loss was declared`,
  ];
  if (objectiveMs !== undefined && leftMs !== undefined) {
    const objective = formatDuration(objectiveMs);
    if (leftMs < 0) parts.push(`${formatDuration(-leftMs)} over the objective of ${objective}`);
    else if (isStopped) parts.push(`within the objective of ${objective}`);
    else parts.push(`${formatDuration(leftMs)} of ${objective} left`);
  }
  if (remainingMs !== undefined && remainingMs > 0) {
    const isWhole = unmeasured.length === 0;
    const rest = isWhole ? '' : ', without what was never measured';
    const more = leftMs !== undefined && leftMs >= 0 && remainingMs > leftMs;
    const late = more ? `, ${formatDuration(remainingMs - leftMs)} too late` : '';
    parts.push(
      `${isWhole ? 'about' : 'at least'} ${formatDuration(remainingMs)} until services write again${late}${rest}`,
    );
  }
  return parts.join(', ');
}
