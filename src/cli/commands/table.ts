import type { Command } from '../command.ts';

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

/** Every command, in the order of the help. Loading one loads what it needs, and only that. */
export const commandTable: readonly CommandEntry[] = [
  {
    name: 'init',
    summary: 'look around, write lifeboat.yaml, create the repository',
    load: async () => (await import('./init.ts')).init,
  },
  {
    name: 'check',
    summary: 'check that everything stored is there and undamaged',
    load: async () => (await import('./check.ts')).check,
  },
];
