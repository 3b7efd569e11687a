import {
  type DamageReport,
  foundOf,
  type Part,
  type ServiceDamage,
  type SourceDamage,
} from '../../recovery/index.ts';

/** What could not be looked at, and where. */
export interface DamageGap {
  /** `database: integrity`. */
  readonly where: string;
  readonly why: string;
  readonly hint?: string;
}

const titles: Readonly<Record<string, string>> = {
  server: 'server',
  points: 'restore points',
  tables: 'tables',
  suspects: 'the log',
  integrity: 'integrity',
  statements: 'statements',
  sessions: 'sessions',
  replication: 'replication',
  serverLog: 'server log',
  files: 'files',
  disks: 'disks',
  memory: 'memory',
  kernel: 'kernel',
  state: 'state',
  baseline: 'what it is made of',
  output: 'output',
};

/** In the order of the report. What has one reason at several places is told once. */
export function damageGaps({ sources, services, host }: DamageReport): readonly DamageGap[] {
  const all = [
    ...sources.flatMap((each) => gapsOf(each.name, each)),
    ...services.filter(isThere).flatMap((each) => gapsOf(`service ${each.name}`, each)),
    ...gapsOf('host', host),
  ];
  const byReason = Map.groupBy(all, ({ owner, why }) => `${owner} ${why}`);
  return [...byReason.values()].map((alike) => {
    const [{ owner, why, hint }] = alike as [(typeof alike)[number]];
    const where = `${owner}: ${alike.map(({ part }) => part).join(', ')}`;
    return { where, why, ...(hint === undefined ? {} : { hint }) };
  });
}

/** Of one that is not there a finding says so; nothing of it could be looked at. */
function isThere({ state }: ServiceDamage): boolean {
  return foundOf(state)?.status !== 'absent';
}

function gapsOf(owner: string, parts: SourceDamage | DamageReport['host'] | object) {
  return Object.entries(parts).flatMap(([name, part]) => {
    if (!isPart(part)) return [];
    const about = { owner, part: titles[name] ?? name };
    if (part.looked) return part.gaps.map((why) => ({ ...about, why, hint: undefined }));
    return [{ ...about, why: part.why, hint: part.hint }];
  });
}

function isPart(value: unknown): value is Part<unknown> {
  return typeof value === 'object' && value !== null && 'looked' in value;
}
