import { isLifeboatError } from '../../core/index.ts';
import type { Incident } from '../../incidents/index.ts';
import { type DamageReport, isRecovered, type RunState } from '../../recovery/index.ts';
import { lossIn } from './scope.ts';

/** A source that an incident is about, and that no run has recovered. */
export interface LeftSource {
  readonly source: string;
  /** `not-recovered`: it looks well, but something was said of it that does not show. */
  readonly why: 'damaged' | 'not-looked-at' | 'not-recovered';
  readonly text: string;
}

interface LeftRequest {
  readonly incident: Incident;
  /** That has just ended well. */
  readonly state: RunState;
  readonly runs: { list(): Promise<readonly RunState[]> };
  /** Of the configuration. */
  readonly configured: readonly string[];
  readonly look: (sources: readonly string[]) => Promise<DamageReport>;
}

/**
 * What keeps an incident from being resolved: sources of it that this run did not recover, and that are damaged as they are now. Where nobody has
 * named any, it may be about all. Looked at now: what was seen before a run of hours says little.
 */
export async function sourcesLeft(request: LeftRequest): Promise<readonly LeftSource[]> {
  const { incident, state, runs, configured, look } = request;
  const { addedSources, lossType } = incident;
  const named = incident.sources.filter((name) => !addedSources.includes(name));
  const all = named.length === 0 ? [...incident.sources, ...configured] : incident.sources;
  const others = [...new Set(all)].filter((name) => !state.plan.sources.includes(name));
  if (others.length === 0) return [];
  const ofIncident = (await runs.list()).filter(({ plan }) => plan.incident === incident.id);
  const recovered = [
    state,
    ...ofIncident.filter((run) => run.phase === 'done' || isRecovered(run)),
  ];
  const isRestored = (name: string) => recovered.some(({ plan }) => plan.sources.includes(name));
  const isAnswered = lossType === undefined || named.some(isRestored);
  const here = others.filter((name) => configured.includes(name));
  const { report, problem } = await lookedAt(here, look);

  return others.flatMap((source): readonly LeftSource[] => {
    const left = (why: LeftSource['why'], text: string) => [{ source, why, text }];
    if (!here.includes(source)) {
      return left('not-looked-at', 'it is not in the configuration of this host');
    }
    const loss = report && lossIn(report, source);
    if (loss) return left('damaged', loss.text);
    if (problem !== undefined) return left('not-looked-at', problem);
    if (!named.includes(source)) return [];
    const unseen = whyNotLooked(report, source);
    if (unseen !== undefined) return left('not-looked-at', unseen);
    if (isAnswered || isRestored(source)) return [];
    return left(
      'not-recovered',
      `it looks well, but ${lossType} was said, and nothing that it was said of was recovered`,
    );
  });
}

async function lookedAt(
  sources: readonly string[],
  look: LeftRequest['look'],
): Promise<{ readonly report?: DamageReport; readonly problem?: string }> {
  if (sources.length === 0) return {};
  try {
    const report = await look(sources);
    return report.isInterrupted ? { report, problem: 'looking at it was interrupted' } : { report };
  } catch (error) {
    if (!isLifeboatError(error) || error.code === 'bug') throw error;
    return { problem: error.message };
  }
}

function whyNotLooked(report: DamageReport | undefined, name: string): string | undefined {
  const seen = report?.sources.find((each) => each.name === name);
  if (seen === undefined) return 'nothing looked at it';
  const part = 'files' in seen ? seen.files : seen.server;
  return part.looked ? undefined : part.why;
}
