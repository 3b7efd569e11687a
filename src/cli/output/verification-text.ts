import type { IncidentFinding, Verification, WriterFacts } from '../../incidents/index.ts';
import { countOf } from './count.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';

/** Who wrote, what is wrong, and what to do about it. */
export function describeVerification(
  id: string,
  { findings, places, writers }: Verification,
  style: Style,
): string {
  const where = places.map(({ name, entries }) => {
    return `${printable(name)}: ${countOf(entries, 'entry', 'entries')}`;
  });
  const stranger = writers.find(({ isAccepted }) => !isAccepted);
  return [
    ...findings.map((each) => findingLine(each, style)),
    ...writers.map((each) => `  ${writerLine(each, style)}`),
    `  ${style.dim(where.join('; '))}`,
    findings.length === 0
      ? `${style.green('✓')} incident ${id}: every entry is there, as it was signed`
      : style.red(`${countOf(findings.length, 'finding')} in the incident ${id}`),
    ...(stranger
      ? [
          `  Is that host one of yours? Then: ${style.bold(`lifeboat incident verify ${id} --accept ${stranger.key.slice(0, 16)}`)}`,
        ]
      : []),
  ].join('\n');
}

function findingLine({ place, kind, subject, problem }: IncidentFinding, style: Style): string {
  const mark = kind === 'not-verified' ? style.yellow('?') : style.red('✗');
  return `${mark} ${printable(place)}: ${kind}: ${printable(subject)}: ${printable(problem)}`;
}

function writerLine(writer: WriterFacts, style: Style): string {
  const { key, hosts, actors, entries, isAccepted, isThisHost } = writer;
  const note = isThisHost ? 'this host' : isAccepted ? 'accepted' : 'not accepted by anybody';
  const text = `key ${key.slice(0, 16)}  ${hosts.map(printable).join(', ')} (${actors.map(printable).join(', ')}), ${countOf(entries, 'entry', 'entries')}: ${note}`;
  return isAccepted ? style.dim(text) : style.yellow(text);
}
