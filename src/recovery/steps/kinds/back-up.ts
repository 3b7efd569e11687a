import type { BackupSummary } from '../../../sources/index.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind, StepOutcome } from '../step-kind.ts';
import { backupContext, settingOf } from '../step-source.ts';

/** What a snapshot is that was taken before a recovery changed anything. */
const safetyTag = 'lifeboat:safety';

/** A snapshot of what is there now, damaged or not: a damaged page is stored as it is, and told. One more does no harm. */
export const safetySnapshot: StepKind<StepInputs['safety-snapshot']> = {
  name: 'safety-snapshot',

  async probe() {
    return { found: 'not-done' };
  },

  async run({ source, raw }, context) {
    const summary = await backUp(source, context);
    const { repository } = await backupContext(source, context);
    const { signal, progress } = context;
    const tagged = await repository.tag({
      ids: [summary.snapshot],
      add: [safetyTag],
      lockWaitMs: 60_000,
      signal,
      progress,
    });
    // With another tag it is another file.
    const snapshot = tagged.changed[0]?.after ?? summary.snapshot;
    return outcomeOf({ ...summary, snapshot }, `${raw ? 'kept' : 'stored'} ${source} as it was`);
  },
};

/** A fresh base after the recovery: what came before it need not be replayed any more. */
export const freshBackup: StepKind<StepInputs['backup']> = {
  name: 'backup',

  async probe() {
    return { found: 'not-done' };
  },

  async run({ source }, context) {
    return outcomeOf(await backUp(source, context), `backed ${source} up`);
  },
};

async function backUp(name: string, context: StepContext): Promise<BackupSummary> {
  settingOf(name, context);
  const source = await context.surroundings.source(name, 'protect');
  return await source.backup(await backupContext(name, context));
}

function outcomeOf(summary: BackupSummary, did: string): StepOutcome {
  const { source, snapshot, bytesTotal, bytesStored, filesTotal, warnings, durationMs } = summary;
  return {
    text: `${did} (snapshot ${snapshot.slice(0, 8)})`,
    result: { source, snapshot },
    evidence: { snapshot, bytesTotal, bytesStored, filesTotal, durationMs, warnings },
  };
}
