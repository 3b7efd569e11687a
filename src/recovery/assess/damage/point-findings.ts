import type { DamageFinding } from './damage-finding.ts';
import type { Part } from './part.ts';
import type { RestorePoints } from './restore-point.ts';

/** What the restore points of a source show. */
export function pointFindings(part: Part<RestorePoints>): readonly Omit<DamageFinding, 'source'>[] {
  if (!part.looked) return [];
  const { points, windows } = part.found;
  if (points.length === 0) {
    const text = 'nothing can be restored: there is no backup';
    return [{ kind: 'nothing-restorable', severity: 'critical', strength: 'certain', text }];
  }
  const found: Omit<DamageFinding, 'source'>[] = [];
  const [window] = windows;
  if (window?.missingSegment !== undefined) {
    const text = `the log goes on, but segment ${window.missingSegment} is missing: nothing after ${window.to} can be restored`;
    found.push({ kind: 'nothing-restorable', severity: 'medium', strength: 'certain', text });
  }
  for (const doubt of new Set(points.flatMap(({ doubts }) => doubts))) {
    const kind = doubt.includes('flagged') ? 'flagged-snapshot' : 'proof-failed';
    found.push({ kind, severity: 'medium', strength: 'likely', text: doubt });
  }
  return found;
}
