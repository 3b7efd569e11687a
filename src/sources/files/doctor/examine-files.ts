import { constants } from 'node:fs';
import { access, lstat, readFile, stat } from 'node:fs/promises';
import type { Finding } from '../../source.ts';

/** What a backup of these files needs: that they are there and can be read. Reads no contents. */
export async function examineFiles(settings: {
  readonly paths: readonly string[];
  readonly excludeFiles?: readonly string[] | undefined;
}): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const path of settings.paths) findings.push(await examinePath(path));
  findings.push(...nested(settings.paths));
  for (const path of settings.excludeFiles ?? []) findings.push(await examinePatterns(path));
  findings.push(examineAccount());
  return findings;
}

async function examinePath(path: string): Promise<Finding> {
  const check = 'path';
  try {
    const info = await lstat(path);
    const target = info.isSymbolicLink() ? await stat(path).catch(() => undefined) : info;
    if (info.isSymbolicLink() && target?.isDirectory()) {
      const remedy = 'Name the folder itself: only the link would be stored.';
      return { check, outcome: 'warning', fact: `${path} is a link to a folder`, remedy };
    }
    const needed = info.isDirectory() ? constants.R_OK | constants.X_OK : constants.R_OK;
    if (!info.isSymbolicLink()) await access(path, needed);
    return { check, outcome: 'ok', fact: `${path} is there and can be read`, remedy: '' };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code === 'ENOENT') {
      const remedy = 'Correct the path, or mount what should be there.';
      return { check, outcome: 'problem', fact: `${path} does not exist`, remedy };
    }
    const remedy = 'Run Lifeboat as an account that may read it; root reads everything.';
    return { check, outcome: 'problem', fact: `${path} cannot be read: ${code}`, remedy };
  }
}

function nested(paths: readonly string[]): readonly Finding[] {
  const inside = (path: string, other: string) =>
    path !== other && path.startsWith(other === '/' ? other : `${other}/`);
  return paths.flatMap((path) => {
    const outer = paths.find((other) => inside(path, other));
    if (outer === undefined) return [];
    const fact = `${path} lies inside ${outer}`;
    const remedy = 'It need not be named; it is backed up with the outer one.';
    return [{ check: 'path', outcome: 'warning', fact, remedy } as const];
  });
}

async function examinePatterns(path: string): Promise<Finding> {
  const check = 'exclude file';
  try {
    const lines = (await readFile(path, 'utf8')).split('\n');
    const patterns = lines.filter((line) => line.trim() !== '' && !line.startsWith('#')).length;
    return { check, outcome: 'ok', fact: `${path} has ${patterns} patterns`, remedy: '' };
  } catch (error) {
    const fact = `${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`;
    return { check, outcome: 'problem', fact, remedy: 'Correct the path in excludeFiles.' };
  }
}

function examineAccount(): Finding {
  const check = 'account';
  if (process.getuid?.() === 0) {
    const fact = 'running as root: every file can be read, and owners can be restored';
    return { check, outcome: 'ok', fact, remedy: '' };
  }
  return {
    check,
    outcome: 'warning',
    fact: 'not running as root: files of others may be unreadable, and their owners cannot be restored',
    remedy:
      'Run as root, or give the service AmbientCapabilities=CAP_DAC_READ_SEARCH in its systemd unit.',
  };
}
