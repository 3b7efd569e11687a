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
    name: 'demo',
    summary: 'the whole story on a PostgreSQL of its own, in under a minute',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    name: 'doctor',
    summary: 'try everything a recovery depends on, with a remedy for each problem',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'backup',
    summary: 'one base backup of a source, as a snapshot',
    load: async () => (await import('./backup.ts')).backup,
  },
  {
    name: 'serve',
    summary: 'the daemon: stream the log, back up on schedule',
    load: async () => (await import('./serve.ts')).serve,
  },
  {
    name: 'points',
    summary: 'from when to when can be restored, and where the gaps are',
    load: async () => (await import('./points.ts')).points,
  },
  {
    name: 'find-loss',
    summary: 'what destroyed data, and the moment just before it',
    load: async () => (await import('./find-loss.ts')).findLossCommand,
  },
  {
    name: 'rescue',
    summary: 'put destroyed rows back, keep what was written since',
    load: async () => (await import('./rescue.ts')).rescue,
  },
  {
    name: 'restore',
    summary: 'a source at any moment, into a new folder',
    load: async () => (await import('./restore.ts')).restore,
  },
  {
    name: 'open',
    summary: 'a private server on the state of a moment, to look around',
    load: async () => (await import('./open.ts')).open,
  },
  {
    name: 'check',
    summary: 'is everything stored there, and undamaged?',
    load: async () => (await import('./check.ts')).check,
  },
  {
    name: 'copy',
    summary: 'everything of one repository to another: snapshots, logs, records',
    load: async () => (await import('./copy.ts')).copy,
  },
  {
    name: 'prune',
    summary: 'remove what no snapshot needs',
    load: async () => (await import('./prune.ts')).prune,
  },
  {
    name: 'unlock',
    summary: 'list locks, remove stale ones',
    load: async () => (await import('./unlock.ts')).unlock,
  },
];
