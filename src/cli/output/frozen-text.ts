import { formatDuration } from '../../core/index.ts';
import type { FrozenSource } from '../../recovery/index.ts';
import { formatMoment } from '../moment.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';

export function frozenIsBad({ isTooLong, isHalf, gaps }: FrozenSource): boolean {
  return isTooLong || isHalf || gaps.length > 0;
}

export function describeFrozen(frozen: FrozenSource, { yellow, red }: Style): readonly string[] {
  const { since, ageMs, by, isTooLong, isFormer, isHalf, gaps } = frozen;
  const colour = frozenIsBad(frozen) ? red : yellow;
  const half = isHalf ? ', only half: freeze or thaw it again' : '';
  const long = isTooLong ? '; that is long: lifeboat thaw, when writers may go on' : '';
  const what = isFormer ? 'FORMER PLACE CLOSED' : 'FROZEN';
  return [
    colour(
      `  ! ${what} for ${formatDuration(ageMs)}, since ${formatMoment(since)}, ${printable(by.join(', '))}${half}${long}`,
    ),
    ...gaps.map((what) => yellow(`      not completely: ${printable(what)}`)),
  ];
}
