import { existsSync, readFileSync } from 'node:fs';

/** The folder in the data folder through which WAL is handed to the server; on the same file system, so `mv` renames. */
export const feedFolderName = 'lifeboat-recovery';

/** How the script says that there is no such file. No shell ends like this by itself. */
const absent = 40;

/**
 * The usual case, a segment that lies ready, costs one shell and one `mv`. Exit 0: it is there; 1: there is no such file; 255: anything
 * else, on which PostgreSQL aborts the recovery instead of taking it for the end of the log. Paths are relative: PostgreSQL
 * runs the command in the data folder, whose own name therefore needs no quoting.
 */
export const restoreCommand = [
  `mv ${feedFolderName}/ready/%f "%p" 2>/dev/null && exit 0`,
  `/bin/sh ${feedFolderName}/fetch %f "%p"`,
  `case $? in 0) exit 0;; ${absent}) exit 1;; *) exit 255;; esac`,
].join('; ');

/** Asks for a file and waits for the answer, as long as Lifeboat lives. */
export function fetchScript(pid: number): string {
  const alive = processesAreVisible() ? `[ -d /proc/${pid} ]` : 'true';
  return `#!/bin/sh
cd ${feedFolderName} || exit 255
: > "wanted/$1" || exit 255
while :; do
  [ -e failed ] && exit 255
  mv "ready/$1" "../$2" 2>/dev/null && exit 0
  [ -e "absent/$1" ] && exit ${absent}
  ${alive} || exit 255
  sleep 0.01 || exit 255
done
`;
}

/** Where /proc hides other accounts' processes, only the kernel's own signal tells the server that we are gone. */
function processesAreVisible(): boolean {
  try {
    return !/hidepid=(2|4|invisible|ptraceable)/.test(readFileSync('/proc/mounts', 'utf8'));
  } catch {
    return existsSync(`/proc/${process.pid}`);
  }
}
