import { concerns } from './concerns.ts';
import type { RepositoryProblem } from './freeze-copies.ts';
import type { FreezeRecord } from './freeze-record.ts';
import type { FreezeRequest } from './freeze-request.ts';
import { mergeFreezes } from './merge-freezes.ts';
import { newRecord } from './new-record.ts';
import { type FreezeHere, openFreezes } from './open-freezes.ts';
import type { ServerDesks } from './postgres/server-desks.ts';

export interface BegunFreeze {
  readonly record: FreezeRecord;
  /** False: it goes on with one that was begun, here or by another host. */
  readonly isNew: boolean;
  /** The record is one of this host as it stands. */
  readonly isHere: boolean;
  readonly notes: readonly string[];
  /** Freezes in the state folder of which nothing is left when this record is stored. */
  readonly spent: readonly string[];
}

/**
 * A freeze that is not thawed is gone on with: what was before it is in its record alone. That of this host by its record, those of others by taking them
 * into it, so that each record is written by one host only. Those for something else stay what they are.
 */
export async function beginFreeze(
  request: FreezeRequest,
  desks: ServerDesks,
): Promise<BegunFreeze> {
  const { host } = request.surroundings;
  const { here, elsewhere, problems } = await openFreezes(request);
  // One that another host goes on with is not begun again under its name.
  const own = here.find(({ record, left }) => record === left && record.host === host)?.record;
  const begun = here.flatMap(({ left }) => (left === undefined || left === own ? [] : [left]));
  const taken: FreezeRecord[] = [];
  const notes: string[] = [];
  for (const each of [...begun, ...elsewhere]) {
    const isTaken = await concerns(each, request, desks);
    if (isTaken) taken.push(each);
    const note = isTaken ? `goes on with ${named(each)}` : standsBeside(each, host);
    if (note !== undefined)
      notes.push(begun.includes(each) ? note : `${note}, as a repository has it`);
  }
  notes.push(...problems.map(unasked));
  const record = mergeFreezes(own ?? newRecord(request), taken);
  const isHere = own !== undefined && taken.length === 0;
  const isNew = own === undefined && taken.length === 0;
  return { record, isNew, isHere, notes, spent: spentBy(taken, here) };
}

/** Of what stays, only what is for other sources, of another host: it is named so that nobody takes it for forgotten. */
function standsBeside(record: FreezeRecord, host: string): string | undefined {
  if (record.host === host || record.sources.length === 0) return undefined;
  return `${named(record)} is for other sources (${record.sources.join(', ')}) and stays as it is`;
}

function named({ id, host }: FreezeRecord): string {
  return `the freeze ${id} of the host ${host}`;
}

function unasked({ repository, problem }: RepositoryProblem): string {
  return `the repository ${repository} could not be asked whether another host has frozen some of it: what is stopped now is taken for stopped before (${problem})`;
}

function spentBy(taken: readonly FreezeRecord[], here: readonly FreezeHere[]): readonly string[] {
  const ids = taken.map(({ id }) => id);
  return here
    .filter(({ record, left, by }) => {
      if (ids.includes(record.id)) return true;
      return left === undefined && by.every(({ id }) => ids.includes(id));
    })
    .map(({ record }) => record.id);
}
