import type { Command } from '../command.ts';

/** The headings of the help, in this order. */
export const commandGroups = {
  protect: 'Protect:',
  look: 'Look:',
  recover: 'Recover:',
  maintain: 'Maintain:',
} as const;

export interface CommandEntry {
  readonly group: keyof typeof commandGroups;
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

type Load = CommandEntry['load'];
const under =
  (group: CommandEntry['group']) =>
  (name: string, summary: string, load: Load): CommandEntry => ({ group, name, summary, load });

const protect = under('protect');
const look = under('look');
const recover = under('recover');
const maintain = under('maintain');

/** Every command, in the order of the help. Loading one loads what it needs, and only that. */
// biome-ignore format: one line each
export const commandTable: readonly CommandEntry[] = [
  protect('init', 'look around, write lifeboat.yaml, create the repository', async () => (await import('./init.ts')).init),
  protect('demo', 'the whole story on a PostgreSQL of its own, in under a minute', async () => (await import('./demo.ts')).demo),
  protect('doctor', 'try everything a recovery depends on, with a remedy for each problem', async () => (await import('./doctor.ts')).doctor),
  protect('backup', 'one snapshot of a source, of several, or of all', async () => (await import('./backup.ts')).backup),
  protect('prove', 'restore a source, check all of its data, keep the proof', async () => (await import('./prove.ts')).prove),
  protect('serve', 'the daemon: stream logs, back up, prove, forget, copy, prune, check', async () => (await import('./serve.ts')).serve),
  protect('archive', 'what to set as archive_command and restore_command', async () => (await import('./archive.ts')).archive),

  look('status', 'is everything protected? last backups, windows, repositories, copies', async () => (await import('./status.ts')).status),
  look('points', 'what can be restored: windows, gaps, snapshots', async () => (await import('./points.ts')).points),
  look('baseline', 'rows, sizes and newest moments of every table, and what fell', async () => (await import('./baseline.ts')).baseline),
  look('services', 'do the programs that use the data run, and do their checks hold?', async () => (await import('./services.ts')).services),
  look('integrity', 'is the data of the live server sound? and if not, since when', async () => (await import('./integrity.ts')).integrity),
  look('snapshots', 'what is stored, by host, tag, path or source', async () => (await import('./snapshots.ts')).snapshots),
  look('ls', 'what is in a snapshot', async () => (await import('./ls.ts')).ls),
  look('find', 'in which snapshots something is', async () => (await import('./find.ts')).find),
  look('diff', 'what changed from one snapshot to another', async () => (await import('./diff.ts')).diff),
  look('stats', 'how much is stored, and how much a restore would write', async () => (await import('./stats.ts')).stats),
  look('assess', 'the damage report: what is lost, what did it, what can be recovered to', async () => (await import('./assess.ts')).assess),
  look('find-loss', 'what destroyed data, and the moment just before it', async () => (await import('./find-loss.ts')).findLossCommand),
  look('announce', 'say that a change of tables is meant, before or after it', async () => (await import('./announce.ts')).announceCommand),
  look('versions', 'when files of a bucket were overwritten or removed, and what is still kept', async () => (await import('./versions.ts')).versions),

  recover('incident', 'what is known of a loss, and who did what when: open, note, status, close', async () => (await import('./incident.ts')).incident),
  recover('recover', 'carry a plan out, step by step, through crashes and the loss of this host', async () => (await import('./recover.ts')).recover),
  recover('freeze', 'stop everybody who writes, with all that puts it back written down first', async () => (await import('./freeze.ts')).freeze),
  recover('thaw', 'let them write again: exactly as it was before the freeze', async () => (await import('./thaw.ts')).thaw),
  recover('plan', 'how to recover: the way, its steps, its time and loss, the other ways', async () => (await import('./plan.ts')).planCommand),
  recover('rescue', 'put destroyed rows back, keep what was written since', async () => (await import('./rescue.ts')).rescue),
  recover('restore', 'a source at any moment, into a new folder', async () => (await import('./restore.ts')).restore),
  recover('extract', 'a database, schema or table of any moment: to a file, a server, a side schema', async () => (await import('./extract.ts')).extract),
  recover('dump', 'a file, or a folder as tar, to standard output', async () => (await import('./dump.ts')).dump),
  recover('open', 'a private server on the state of a moment, to look around', async () => (await import('./open.ts')).open),

  maintain('check', 'is everything stored there, and undamaged?', async () => (await import('./check.ts')).check),
  maintain('copy', 'everything of one repository to another: snapshots, logs, records', async () => (await import('./copy.ts')).copy),
  maintain('forget', 'remove snapshots by a policy, or some', async () => (await import('./forget.ts')).forget),
  maintain('prune', 'remove what no snapshot needs', async () => (await import('./prune.ts')).prune),
  maintain('repair', 'the index, snapshots that miss data, damaged packs', async () => (await import('./repair.ts')).repair),
  maintain('tag', 'give snapshots other tags', async () => (await import('./tag.ts')).tag),
  maintain('key', 'the passwords of a repository: list, add, remove, change', async () => (await import('./key.ts')).key),
  maintain('cat', 'what is inside a file of a repository', async () => (await import('./cat.ts')).cat),
  maintain('unlock', 'list locks, remove stale ones', async () => (await import('./unlock.ts')).unlock),
];
