import { createPlatforms } from '../../../platforms/index.ts';
import { assessDamage } from '../../assess/damage/assess-damage.ts';
import type { DamageReport } from '../../assess/damage/damage-report.ts';
import { reportEntry } from '../../assess/damage/report-entry.ts';
import { withoutExcerpts } from '../../assess/damage/without-excerpts.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepKind } from '../step-kind.ts';

const findingsKept = 50;

const seenAs: Readonly<Record<DamageReport['verdict'], string>> = {
  'damage-found': 'it is damaged',
  'nothing-found': 'nothing that is damage by itself',
  'not-looked': 'nothing of it could be looked at',
};

/** What is damaged, as it is just before anything is put in place. Only looks; what it finds stops nothing, it is what the run is for. */
export const assessStep: StepKind<StepInputs['assess']> = {
  name: 'assess',

  async probe() {
    return { found: 'not-done' };
  },

  async run({ sources }, { surroundings, tell, signal, progress }) {
    const { environment } = surroundings;
    const report = await assessDamage({
      surroundings,
      platforms: createPlatforms({ environment }),
      sources,
      isQuick: true,
      signal,
      progress,
    });
    // Ended early it would say less than there is.
    if (signal.aborted) throw signal.reason;
    await tell(reportEntry(report));
    const { id, verdict, findings, lossTypes, since } = withoutExcerpts(report);
    const told = findings.slice(0, findingsKept).map(({ kind, severity, strength, text }) => {
      return { kind, severity, strength, text };
    });
    return {
      text: `looked again at ${sources.join(', ')}: ${seenAs[verdict]}${findings.length === 0 ? '' : ` (${findings.length} ${findings.length === 1 ? 'finding' : 'findings'})`}`,
      result: { report: id },
      evidence: { report: id, verdict, since, lossTypes, findings: told },
    };
  },
};
