import { LifeboatError } from '../../../core/index.ts';
import { parseEntry, type RunEntry } from '../run-entry.ts';
import { parseNote, type RunNote } from '../run-note.ts';

/** What an engine kept, as it was written. Errors: `record.invalid` when it is not. */
export function storedEntry(text: string, run: string, place: string): RunEntry {
  return parseEntry(parsed(text)) ?? changed(run, place);
}

export function storedNote(text: string, run: string, place: string): RunNote {
  return parseNote(parsed(text)) ?? changed(run, place);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function changed(run: string, place: string): never {
  throw new LifeboatError('record.invalid', `the journal of run ${run} in ${place} was changed`, {
    hint: 'Nothing was done. Move it away: what is in the repositories is used then.',
    context: { run },
  });
}
