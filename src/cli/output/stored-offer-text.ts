import type { ConfiguredAct } from '../../config/index.ts';
import type { StoredOffer } from '../adopt/stored-offer.ts';
import { ago } from './ago.ts';
import { countOf } from './count.ts';
import type { Style } from './style.ts';
import { visible, visibleCommand } from './visible.ts';

/** Who wrote a stored configuration, and all that it would ever make this host do. */
export function describeStoredOffer(offer: StoredOffer, now: Date, style: Style): string {
  const { bold, yellow } = style;
  const { stored, acts, absent, changes, toComplete, configuration, file } = offer;
  const { kept } = stored;
  const isAbsent = new Set(absent);
  const lines = (all: readonly ConfiguredAct[], text: (words: readonly string[]) => string) =>
    all.map(({ place, words }) => {
      const note = isAbsent.has(place) ? yellow('  (not on this host)') : '';
      return `  ${visible(place)}: ${text(words)}${note}`;
    });
  const plain = ([word = '']: readonly string[]) => visible(word);
  const section = (title: string, all: readonly string[]) =>
    all.length === 0 ? [] : ['', bold(title), ...all];
  return [
    bold(`The configuration "${visible(configuration.name)}"`),
    `  of host    ${visible(kept.host)}, ${visible(kept.file)}`,
    `  stored     ${stored.time.toISOString()} (${ago(stored.time, now)}) by ${visible(kept.actor)}, with ${visible(kept.program)}`,
    `  signed by  key ${stored.writer}`,
    `             which signed ${countOf(offer.otherRecords, 'other record')} here; this is its record ${stored.sequence}`,
    `  record     ${stored.id}`,
    ...section(
      `${countOf(acts.commands.length, 'command')} that it would run`,
      lines(acts.commands, visibleCommand),
    ),
    ...section('What it would look at, stop, start and change', lines(acts.targets, plain)),
    ...section('Images that it would make containers of', lines(acts.images, plain)),
    ...section('Folders whose programs it would start', lines(acts.programs, plain)),
    ...section('SQL that it would run', lines(acts.sql, plain)),
    ...section('What it would connect to', lines(acts.connections, plain)),
    ...section('Files and folders that it would use', lines(acts.paths, plain)),
    ...section('Variables that it would read', lines(acts.variables, plain)),
    ...section(
      'Not stored, because it was a secret',
      kept.leftOut.map((place) => `  ${visible(place)}`),
    ),
    ...section(
      'To be completed before anything works',
      toComplete.map((place) => yellow(`  ${visible(place)}`)),
    ),
    ...section(
      'Not as it was stored',
      changes.map((each) => `  ${visible(each)}`),
    ),
    '',
    `It would be written to ${visible(file)}. Nothing of it has been run.`,
  ].join('\n');
}
