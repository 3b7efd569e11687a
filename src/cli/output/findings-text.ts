import type { CheckFinding } from '../../repository/index.ts';
import { countOf } from './count.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';

const alikeShown = 3;
const pathsShown = 3;
const linesShown = 10;

/**
 * What a check found, for people: a text for each finding, or none where it says what enough others before it said. A
 * thousand packs without an index are one thing that happened, and must not hide the one that is damaged.
 */
export function findingTexts(
  findings: readonly CheckFinding[],
): readonly (((style: Style) => string) | undefined)[] {
  const seen = new Map<string, number>();
  const totals = new Map<string, number>();
  for (const each of findings) {
    if (each.severity === 'hint') totals.set(alike(each), (totals.get(alike(each)) ?? 0) + 1);
  }
  return findings.map((each) => {
    if (each.severity === 'error') return (style) => describe(each, style);
    const nth = (seen.get(alike(each)) ?? 0) + 1;
    seen.set(alike(each), nth);
    if (nth <= alikeShown) return (style) => describe(each, style);
    if (nth > alikeShown + 1) return undefined;
    const more = countOf((totals.get(alike(each)) ?? 0) - alikeShown, `more ${each.kind}`);
    return ({ yellow, dim }) =>
      `${yellow('hint')} and ${more}: ${each.problem} ${dim('(--json names all)')}`;
  });
}

function alike({ kind, problem }: CheckFinding): string {
  return `${kind}: ${problem}`;
}

function describe(finding: CheckFinding, { red, yellow, dim }: Style): string {
  const mark = finding.severity === 'error' ? red('error') : yellow('hint');
  const affects = affectsLines(finding.affects).map((line) => dim(`  affects ${line}`));
  return [`${mark} ${finding.kind} ${finding.name}: ${finding.problem}`, ...affects].join('\n');
}

/** `snapshot 4f2a91c0 (...): /path` of each path: one line a snapshot. */
function affectsLines(affects: readonly string[]): readonly string[] {
  const paths = new Map<string, string[]>();
  for (const each of affects) {
    const [, owner = each, path] = /^(snapshot [0-9a-f]+ \(.*?\)): (\/.*)$/s.exec(each) ?? [];
    const known = paths.get(owner) ?? [];
    if (path !== undefined) known.push(printable(path));
    paths.set(owner, known);
  }
  const lines = [...paths].map(([owner, all]) => {
    if (all.length === 0) return printable(owner);
    const more = all.length - pathsShown;
    const rest = more > 0 ? ` and ${more} more` : '';
    return `${printable(owner)}: ${all.slice(0, pathsShown).join(', ')}${rest}`;
  });
  const more = lines.length - linesShown;
  return more > 0 ? [...lines.slice(0, linesShown), `${more} more (--json names all)`] : lines;
}
