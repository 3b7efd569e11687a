import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A mount point cannot be renamed, nor anything moved out of it without being copied. */
export async function isMountPoint(folder: string): Promise<boolean> {
  if (dirname(folder) === folder) return true;
  const mounted = await mountPoints();
  if (mounted !== undefined) return mounted.includes(folder);
  const [own, above] = await Promise.all([stat(folder), stat(dirname(folder))]);
  return own.dev !== above.dev;
}

/** File systems that are mounted somewhere inside of a folder; it is not looked for them where the system does not list them. */
export async function mountedWithin(folder: string): Promise<readonly string[]> {
  const inside = folder.endsWith('/') ? folder : `${folder}/`;
  return ((await mountPoints()) ?? []).filter((each) => each.startsWith(inside));
}

/** Linux alone lists them for everyone: proc(5), mountinfo, the fifth field, with blanks as octal escapes. */
async function mountPoints(): Promise<readonly string[] | undefined> {
  const text = await readFile('/proc/self/mountinfo', 'latin1').catch(() => undefined);
  return text
    ?.split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map((escaped) => {
      const raw = escaped.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 8)),
      );
      return Buffer.from(raw, 'latin1').toString('utf8');
    });
}
