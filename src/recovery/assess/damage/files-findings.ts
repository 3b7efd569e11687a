import { formatBytes, formatCount } from '../../../core/index.ts';
import type { DamageFinding, FindingSeverity } from './damage-finding.ts';
import type { FilesDamage, FilesFound } from './files-damage.ts';
import { pointFindings } from './point-findings.ts';

/** Fewer missing files are ordinary work. */
const fewFiles = 10;

/** What the parts of a source of files show. */
export function filesFindings(damage: FilesDamage): readonly DamageFinding[] {
  const source = damage.name;
  const found = damage.files.looked ? comparedFindings(damage.files.found) : [];
  return [...found, ...pointFindings(damage.points)].map((each) => ({ ...each, source }));
}

function comparedFindings(found: FilesFound): readonly Omit<DamageFinding, 'source'>[] {
  const { before, missing, changed, missingPaths, signs, snapshot, sampled } = found;
  const since = { since: snapshot.time };
  const findings: Omit<DamageFinding, 'source'>[] = missingPaths.map((path) => ({
    kind: 'path-missing',
    severity: 'critical',
    strength: 'certain',
    text: path.includes('docker volume ')
      ? `${path} is not there: it was removed`
      : `${path} is not there: removed, or its disk is not mounted`,
    object: path,
    ...since,
  }));
  const isScrambled = sampled.random - sampled.wereRandom > sampled.files / 2;
  for (const text of signs) {
    const kind = /random bytes|compress|end in/.test(text)
      ? 'files-scrambled'
      : /gone/.test(text)
        ? 'files-missing'
        : 'files-changed';
    // Much may change at once because somebody wanted it to; what became random was not.
    const strength = kind === 'files-changed' && !isScrambled ? 'likely' : 'certain';
    findings.push({ kind, severity: 'critical', strength, text, ...since });
  }
  const isTold = findings.some(({ kind }) => kind === 'files-missing' || kind === 'path-missing');
  if (missing.files > 0 && !isTold) {
    const share = missing.files / Math.max(1, before.files);
    const severity: FindingSeverity =
      missing.files < fewFiles ? 'low' : share >= 0.2 ? 'high' : share >= 0.02 ? 'medium' : 'low';
    const text = `${formatCount(missing.files)} of ${formatCount(before.files)} files are gone (${formatBytes(missing.bytes)}), such as ${missing.examples[0]}`;
    findings.push({ kind: 'files-missing', severity, strength: 'certain', text, ...since });
  }
  if (changed.files > 0 && !findings.some(({ kind }) => kind === 'files-changed')) {
    const text = `${formatCount(changed.files)} of ${formatCount(before.files)} files were written since the snapshot`;
    const at = changed.newest === undefined ? {} : { at: changed.newest };
    findings.push({
      kind: 'files-changed',
      severity: 'low',
      strength: 'weak',
      text,
      ...since,
      ...at,
    });
  }
  return findings;
}
