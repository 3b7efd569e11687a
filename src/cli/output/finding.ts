import type { Finding } from '../../sources/index.ts';
import type { Style } from './style.ts';

/** A line of `doctor`, with what to do about it. */
export function describeFinding(finding: Finding, { green, yellow, red, dim }: Style): string {
  const mark = { ok: green('✓'), warning: yellow('!'), problem: red('✗') }[finding.outcome];
  const line = `  ${mark} ${finding.fact}`;
  return finding.remedy === '' ? line : `${line}\n      ${dim('→')} ${finding.remedy}`;
}
