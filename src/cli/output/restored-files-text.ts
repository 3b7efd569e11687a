import { formatBytes, formatCount } from '../../core/index.ts';
import type { RestoreCounts, RestoreFilesResult } from '../../sources/index.ts';
import { countOf } from './count.ts';
import type { Style } from './style.ts';

export function describeCounts(counts: RestoreCounts): string[] {
  const lines = [
    `  new        ${countOf(counts.newFiles, 'file')}, ${formatBytes(counts.newBytes)}`,
    `  replaced   ${countOf(counts.replacedFiles, 'file')}, ${formatBytes(counts.replacedBytes)}`,
    `  unchanged  ${countOf(counts.sameFiles, 'file')}, ${formatBytes(counts.sameBytes)}`,
    `  also       ${countOf(counts.folders, 'folder')}, ${countOf(counts.otherEntries, 'link or device', 'links and devices')}`,
  ];
  if (counts.hardLinks > 0)
    lines.push(
      `  hard links ${countOf(counts.hardLinks, 'of these files is a further name', 'of these files are further names')} of another: its bytes count once`,
    );
  if (counts.replacedOthers > 0)
    lines.push(
      `  replaced   ${countOf(counts.replacedOthers, 'link, device or other entry', 'links, devices and other entries')}`,
    );
  if (counts.keptEntries > 0)
    lines.push(
      `  kept       ${countOf(counts.keptEntries, 'existing entry', 'existing entries')}, as --overwrite says`,
    );
  if (counts.deletedEntries > 0)
    lines.push(`  deleted    ${countOf(counts.deletedEntries, 'entry', 'entries')}`);
  if (counts.leftOutEntries > 0)
    lines.push(
      `  kept       ${countOf(counts.leftOutEntries, 'entry', 'entries')} that the backup leaves out by its excludes, or on other file systems`,
    );
  if (counts.socketsSkipped > 0)
    lines.push(`  skipped    ${countOf(counts.socketsSkipped, 'socket')}: programs make them anew`);
  return lines;
}

/** Which they are, and how to have them deleted too. */
export function describeLeftOut(
  { leftOutEntries, leftOutPaths }: RestoreCounts,
  { dim }: Style,
): string[] {
  if (leftOutEntries === 0) return [];
  const unnamed = leftOutEntries - leftOutPaths.length;
  return [
    ...leftOutPaths.map((path) => dim(`  keep ${path}`)),
    ...(unnamed > 0 ? [dim(`  and ${countOf(unnamed, 'more entry', 'more entries')}`)] : []),
    dim('  (--delete-excluded deletes too what the backup leaves out)'),
  ];
}

const maxShown = 50;

export function describeProblems(
  result: RestoreFilesResult,
  { red, yellow, dim }: Style,
): string[] {
  const { problems, problemsTotal, attributeProblems } = result;
  const lines = problems
    .slice(0, maxShown)
    .map((each) => `  ${red('✗')} ${each.path}: ${each.problem}`);
  const unnamed = problemsTotal - lines.length;
  if (unnamed > 0)
    lines.push(`  ${red('✗')} and ${formatCount(unnamed)} more (--json names a thousand)`);
  for (const { attribute, code, entries, path } of attributeProblems) {
    const count = countOf(entries, 'entry', 'entries');
    lines.push(
      yellow(`  ! ${attribute} could not be set on ${count} (${code}), for example ${path}`),
    );
  }
  if (attributeProblems.length > 0)
    lines.push(dim('    contents are whole; run as root to set everything'));
  return lines;
}
