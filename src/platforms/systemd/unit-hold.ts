import { access, mkdir, rm, rmdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileError, LifeboatError, syncFolder, writeFileDurably } from '../../core/index.ts';

const fileName = 'zz-lifeboat-freeze.conf';

const text = `# Lifeboat keeps this unit stopped until its data is recovered, and removes this file when it thaws.
# By hand: remove it, then run systemctl daemon-reload.
[Unit]
ConditionPathExists=!/
RefuseManualStart=yes
`;

/**
 * Keeps units from starting, whoever asks, by a drop-in of the administrator's folder. Not by a mask: one at runtime has no effect on units
 * whose file lies in that folder, as those written by hand do, and is gone after the next boot, while a lasting one is refused there.
 */
export class UnitHold {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async isHeld(unit: string): Promise<boolean> {
    return access(this.#file(unit)).then(
      () => true,
      () => false,
    );
  }

  /** Durable; takes effect when systemd reads its files again. */
  async hold(unit: string): Promise<void> {
    try {
      await mkdir(join(this.#folder, `${unit}.d`), { recursive: true });
      await syncFolder(this.#folder);
      await writeFileDurably(this.#file(unit), text, { mode: 0o644 });
    } catch (error) {
      throw notWritable(error, unit);
    }
  }

  async release(unit: string): Promise<void> {
    const folder = join(this.#folder, `${unit}.d`);
    try {
      await rm(this.#file(unit), { force: true });
      await syncFolder(folder).catch(() => {});
      // Fails where others keep something there.
      await rmdir(folder).catch(() => {});
    } catch (error) {
      throw notWritable(error, unit);
    }
  }

  #file(unit: string): string {
    return join(this.#folder, `${unit}.d`, fileName);
  }
}

/** The administrator's folder, or the user's own. */
export function unitFolder(isUser: boolean, environment: NodeJS.ProcessEnv): string {
  if (!isUser) return '/etc/systemd/system';
  const { XDG_CONFIG_HOME } = environment;
  return join(XDG_CONFIG_HOME || join(environment.HOME || homedir(), '.config'), 'systemd/user');
}

function notWritable(error: unknown, unit: string): LifeboatError {
  const attempted = `cannot keep ${unit} from starting`;
  const { code } = (error instanceof LifeboatError ? error.cause : error) as NodeJS.ErrnoException;
  if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') return fileError(error, attempted);
  return new LifeboatError('platform.unavailable', `${attempted}: ${code}`, {
    hint: 'Run the command as root, or as the user whose unit it is. Nothing was stopped yet.',
    cause: error,
  });
}

/** One of ours is no part of what a unit is made of. */
export function isHoldFile(path: string): boolean {
  return path.endsWith(`/${fileName}`);
}
