import { ExitCode, formatBytes, LifeboatError } from '../core/index.ts';
import type { OperationOptions, RepairedSnapshot, Repository } from '../repository/index.ts';
import { countOf } from './output/count.ts';
import type { Output } from './output/output.ts';
import type { Style } from './output/style.ts';

export interface RepairSettings extends OperationOptions {
  readonly ids: readonly string[];
  readonly readAllPacks: boolean;
  readonly dryRun: boolean;
  readonly apply: boolean;
  readonly forget: boolean;
}

export async function runRepairIndex(
  repository: Repository,
  output: Output,
  settings: RepairSettings,
): Promise<number> {
  const report = await repository.repairIndex(settings);
  for (const { name, problem } of report.packsDamaged) {
    output.report({ type: 'repair-damaged-pack', name, problem }, ({ red }) => {
      return `${red('damaged')} pack ${name}: ${problem}`;
    });
  }
  for (const name of report.packsMissing) {
    output.report(
      { type: 'repair-missing-pack', name },
      ({ red }) => `${red('missing')} pack ${name}`,
    );
  }
  output.report({ type: 'repair-index', ...report }, ({ green }) => {
    const { packs, packsRead, packsAdded, indexFilesDamaged, dryRun } = report;
    const would = dryRun ? 'would be ' : '';
    const changed = `${countOf(packsAdded, 'pack')} ${would}added, ${countOf(indexFilesDamaged.length, 'damaged index file')} ${would}replaced`;
    return `${green('✓')} ${countOf(packs, 'pack')}, headers of ${packsRead} read; ${changed}`;
  });
  return report.packsDamaged.length > 0 ? ExitCode.partlyDone : ExitCode.ok;
}

export async function runRepairPacks(
  repository: Repository,
  output: Output,
  settings: RepairSettings,
): Promise<number> {
  if (settings.ids.length === 0) {
    throw new LifeboatError('usage.invalid', 'no pack was named', {
      hint: 'Take the names of damaged packs from `lifeboat check --read-data`.',
    });
  }
  const packs = await repository.repairPacks(settings.ids, settings);
  for (const pack of packs) {
    output.report({ type: 'repair-pack', ...pack, dryRun: settings.dryRun }, ({ yellow }) => {
      const saved = `${pack.blobsSaved} of ${countOf(pack.blobs, 'blob')} saved`;
      return `pack ${pack.name}: ${pack.lost.length > 0 ? yellow(saved) : saved}`;
    });
  }
  const isLossy = packs.some(({ lost, blobs }) => lost.length > 0 || blobs === 0);
  if (isLossy) output.say(() => 'Run `lifeboat repair snapshots` to see which files that affects.');
  return isLossy ? ExitCode.partlyDone : ExitCode.ok;
}

export async function runRepairSnapshots(
  repository: Repository,
  output: Output,
  settings: RepairSettings,
): Promise<number> {
  const { ids, apply, forget, dryRun } = settings;
  if (forget && !apply) {
    throw new LifeboatError('usage.invalid', '--forget needs --apply', {
      hint: 'Look at what would be lost first, without either.',
    });
  }
  const isDry = dryRun || !apply;
  const results = await repository.repairSnapshots({
    ...settings,
    snapshots: ids,
    dryRun: isDry,
    forget,
  });
  for (const each of results) {
    if (each.outcome === 'whole') continue;
    output.report({ type: 'repair-snapshot', dryRun: isDry, ...each }, (style) =>
      describe(each, style),
    );
  }
  const damaged = results.filter(({ outcome }) => outcome !== 'whole').length;
  output.report(
    { type: 'repair-snapshots', snapshots: results.length, damaged, dryRun: isDry },
    () => {
      if (damaged === 0) return `all of ${countOf(results.length, 'snapshot')} have what they need`;
      const next = isDry ? '; --apply writes repaired ones' : '';
      return `${damaged} of ${countOf(results.length, 'snapshot')} miss something${next}`;
    },
  );
  return damaged > 0 && isDry ? ExitCode.partlyDone : ExitCode.ok;
}

const mostShown = 50;

function describe(snapshot: RepairedSnapshot, { dim, yellow, red }: Style): string {
  const { id, outcome, losses, repairedId, forgotten, problem } = snapshot;
  const short = id.slice(0, 8);
  const gone = forgotten ? ', removed' : '';
  if (outcome === 'unreadable') return `${red('unreadable')} snapshot ${short}${gone}: ${problem}`;
  if (outcome === 'lost') return `${red('lost')} snapshot ${short}${gone}: its root cannot be read`;
  const twin = repairedId === undefined ? '' : `, repaired as ${repairedId.slice(0, 8)}`;
  const lines = losses.slice(0, mostShown).map(({ path, what, bytesLost }) => {
    const how = what === 'emptied' ? 'list lost, all below' : `${formatBytes(bytesLost)} lost`;
    return dim(`  /${path}: ${how}`);
  });
  if (losses.length > mostShown) lines.push(dim(`  and ${losses.length - mostShown} more`));
  return [`${yellow('misses data:')} snapshot ${short}${twin}${gone}`, ...lines].join('\n');
}
