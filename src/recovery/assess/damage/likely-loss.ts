import type { LossType } from '../../../config/index.ts';
import type { DamageFinding, FindingKind } from './damage-finding.ts';
import type { DamageReport } from './damage-report.ts';

/** What points to which kind of loss; the first that holds is the most likely. */
const pointers: readonly {
  readonly type: LossType;
  readonly kinds: readonly FindingKind[];
  readonly when?: (finding: DamageFinding) => boolean;
}[] = [
  { type: 'malicious', kinds: ['files-scrambled'] },
  { type: 'corruption', kinds: ['damaged-page', 'rows-unexplained', 'server-log'] },
  { type: 'hardware', kinds: ['kernel'], when: ({ severity }) => severity === 'high' },
  { type: 'storage', kinds: ['other-cluster', 'path-missing', 'disk-read-only', 'disk-full'] },
  {
    type: 'accidental-deletion',
    kinds: [
      'suspect',
      'database-missing',
      'table-missing',
      'table-emptied',
      'rows-fewer',
      'files-missing',
      'destructive-session',
    ],
  },
  { type: 'failed-migration', kinds: ['service-changed'] },
  { type: 'backup-failure', kinds: ['nothing-restorable', 'proof-failed'] },
];

/** What kind of loss the findings look like. Hints alone, and what merely should be seen to, point nowhere. */
export function likelyLoss(findings: readonly DamageFinding[]): DamageReport['lossTypes'] {
  const strong = findings.filter(
    ({ strength, severity }) => strength !== 'weak' && severity !== 'low',
  );
  return pointers.flatMap(({ type, kinds, when }) => {
    const finding = strong.find((each) => kinds.includes(each.kind) && (when?.(each) ?? true));
    return finding === undefined ? [] : [{ type, because: finding.text }];
  });
}
