import type { Finding } from '../../source.ts';
import { ok, problem, warning } from './finding.ts';
import { roleJudges } from './judge-role.ts';
import { settingJudges, standbyJudges } from './judge-settings.ts';
import { slotJudges } from './judge-slot.ts';
import type { ServerFacts } from './server-facts.ts';

const clockSkewMsMax = 2_000;

export type Judge = (facts: ServerFacts, slot: string, now: Date) => Finding | undefined;

/** What is right and wrong with a server for protecting it, each with what to do. Pure. */
export function judgeServer(facts: ServerFacts, slot: string, now: Date): readonly Finding[] {
  return judges.map((judge) => judge(facts, slot, now)).filter((each) => each !== undefined);
}

const judges: readonly Judge[] = [
  ({ version }) => {
    const major = Math.floor(version / 10_000);
    const fact = `PostgreSQL ${major}.${version % 10_000}`;
    if (major >= 13 && major <= 18) return ok('version', fact);
    return problem('version', fact, 'Lifeboat protects PostgreSQL 13 to 18.');
  },
  ...roleJudges,
  ...settingJudges,
  ...slotJudges,
  ...standbyJudges,
  ({ clock }, _slot, now) => {
    const skewMs = Math.abs(clock.getTime() - now.getTime());
    const fact = `the clocks differ by ${(skewMs / 1000).toFixed(1)} s`;
    if (skewMs <= clockSkewMsMax) return ok('clock', fact);
    return warning(
      'clock',
      fact,
      'Moments you type are compared with the clock of the server. Synchronise both with NTP.',
    );
  },
];
