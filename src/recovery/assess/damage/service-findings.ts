import type { BaselineDifference } from '../../../platforms/index.ts';
import type { DamageFinding } from './damage-finding.ts';
import { foundOf } from './part.ts';
import type { ServiceDamage } from './service-damage.ts';

/** What the services show. `now`: of the assessment. */
export function serviceFindings(
  services: readonly ServiceDamage[],
  now: Date,
): readonly DamageFinding[] {
  return services.flatMap((service) =>
    findingsOf(service, now).map((each) => ({ ...each, service: service.name })),
  );
}

/** Fewer restarts are one bad moment. */
const fewRestarts = 3;
/** Platforms wait up to five minutes before they start again what ends: what has run for longer than that is no loop. */
const loopMs = 10 * 60_000;

function findingsOf(
  { name, state, baseline, output }: ServiceDamage,
  assessedAt: Date,
): readonly DamageFinding[] {
  const found: DamageFinding[] = [];
  const now = foundOf(state);
  if (now !== undefined && now.status !== 'running') {
    const severity = { failing: 'high', absent: 'high', stopped: 'low', starting: 'low' } as const;
    found.push({
      kind: 'service-state',
      severity: severity[now.status],
      strength: 'certain',
      text: `the service ${name} is ${now.status}: ${now.text}`,
    });
  }
  const { count = 0, since } = now?.restarts ?? {};
  const runsForMs = assessedAt.getTime() - Date.parse(since ?? '');
  if (now?.status === 'running' && count >= fewRestarts && runsForMs < loopMs) {
    const text = `the service ${name} ends again and again: it was restarted ${count} times, and runs since ${since} only`;
    found.push({ kind: 'service-restarts', severity: 'medium', strength: 'likely', text });
  }
  const compared = foundOf(baseline);
  if (compared !== undefined && compared.changes.length > 0) {
    const isOther = compared.changes.some(({ what }) => what === 'image' || what === 'command');
    found.push({
      kind: 'service-changed',
      severity: 'medium',
      // A deployment that was meant looks just the same.
      strength: isOther ? 'likely' : 'weak',
      text: `the service ${name} is not what it was at the backup: ${describeChanges(compared.changes)}`,
      ...(compared.recordedAt === undefined ? {} : { since: compared.recordedAt }),
    });
  }
  const said = foundOf(output);
  const last = said?.lines.at(-1);
  if (said !== undefined && last !== undefined) {
    const text = `the output of ${name} has ${said.matched} ${said.matched === 1 ? 'line' : 'lines'} with errors; the last: ${last}`;
    found.push({ kind: 'service-output', severity: 'low', strength: 'weak', text });
  }
  return found;
}

const changesShown = 4;

/** `the image is shop-api:2, it was shop-api:1, the variable DEBUG was added and 2 more`. */
export function describeChanges(changes: readonly BaselineDifference[]): string {
  const shown = changes.slice(0, changesShown).map(({ text }) => text);
  const more = changes.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
