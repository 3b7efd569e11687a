import {
  describeGroup,
  type ForgetDecision,
  type ForgetGroup,
  isFlagged,
} from '../../repository/index.ts';
import { formatMoment } from '../moment.ts';
import { countOf } from './count.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';
import { tagText } from './tag-text.ts';
import { textTable } from './text-table.ts';

const safeguards: Readonly<Record<ForgetDecision['safeguards'][number], string>> = {
  floor: 'the floor',
  future: 'dated in the future',
  checkpoint: 'interrupted, no whole one is newer',
  'newest-unflagged': 'the newest that is not flagged',
  'newest-whole': 'the newest that is whole',
  frozen: 'frozen: the newest is flagged',
  window: 'opens the recovery window',
};

/** Every snapshot of a group, the oldest first, with what becomes of it and why. */
export function forgetTable(group: ForgetGroup, style: Style): string {
  const oldestFirst = group.decisions.toReversed();
  const columns = [
    { title: '' },
    { title: 'id' },
    { title: 'time' },
    { title: 'tags', shrinks: true },
    { title: 'why' },
  ] as const;
  const rows = oldestFirst.map((decision) => [
    decision.keep ? 'keep' : 'goes',
    decision.snapshot.id.slice(0, 8),
    formatMoment(decision.snapshot.time),
    tagText(decision.snapshot.tags),
    why(decision, style.width),
  ]);
  const table = textTable(columns, rows, style, (text, column, row) => {
    if (!oldestFirst[row]?.keep) return column === 0 ? style.red(text) : style.dim(text);
    return column === 0 ? style.green(text) : text;
  });
  const kept = group.decisions.filter(({ keep }) => keep).length;
  const count = `${kept} of ${countOf(group.decisions.length, 'snapshot')} kept`;
  const frozen = group.isFrozen ? `\n${style.yellow(frozenText(group))}` : '';
  return `${style.bold(printable(describeGroup(group.key)))}  ${style.dim(count)}\n${table}${frozen}\n`;
}

function frozenText({ decisions }: ForgetGroup): string {
  const flagged = decisions.find(({ snapshot }) => isFlagged(snapshot))?.snapshot.id.slice(0, 8);
  const unflagged = decisions.find(({ safeguards: all }) => all.includes('newest-unflagged'));
  return [
    'The newest backup is flagged: it differs much from those before it. Until it was looked at, no',
    'unflagged one goes.',
    `  next: lifeboat diff ${unflagged?.snapshot.id.slice(0, 8)} ${flagged}`,
    `        lifeboat tag ${flagged} --remove lifeboat:flagged    # when it is fine`,
  ].join('\n');
}

/** Side by side where there is room. */
function why(decision: ForgetDecision, width: number): string {
  const all = reasons(decision);
  const line = all.join(', ');
  return line.length + 60 > width ? all.join('\n') : line;
}

function reasons(decision: ForgetDecision): readonly string[] {
  const { keep, keptBy, passedOver, isSuperseded } = decision;
  if (keep) {
    return [
      ...keptBy.map(({ rule, bucket, isOldest, beside }) => {
        if (beside) return `${rule}: ${bucket} too, ${beside.slice(0, 8)} is incomplete`;
        const about = isOldest ? 'the oldest' : bucket;
        return about === undefined ? rule : `${rule}: ${about}`;
      }),
      ...decision.safeguards
        .filter((each) => isWorthSaying(each, decision))
        .map((each) => safeguards[each]),
    ];
  }
  if (isSuperseded) return ['interrupted; a whole one is newer'];
  if (passedOver.length === 0) return ['named'];
  return passedOver.map(passedOverText);
}

/** Floor, freeze, the newest unflagged and the newest whole one matter where no rule keeps it already. */
function isWorthSaying(
  safeguard: ForgetDecision['safeguards'][number],
  { keptBy, safeguards: all }: ForgetDecision,
): boolean {
  if (safeguard === 'floor' || safeguard === 'frozen') return keptBy.length === 0;
  if (safeguard !== 'newest-unflagged' && safeguard !== 'newest-whole') return true;
  const others = all.filter((each) => each !== 'newest-unflagged' && each !== 'newest-whole');
  return keptBy.length === 0 && others.length === 0;
}

function passedOverText(over: ForgetDecision['passedOver'][number]): string {
  const { rule, bucket, because, takenBy } = over;
  switch (because) {
    case 'bucket-taken':
      return `${rule}: ${bucket} is ${takenBy?.slice(0, 8)}`;
    case 'used-up':
      return `${rule}: used up`;
    case 'too-old':
      return `${rule}: older`;
    case 'no-tag':
      return `${rule}: no`;
  }
}
