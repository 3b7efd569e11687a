import { programFailed, type Unavailability } from '../program-failed.ts';
import { type ProgramCall, runProgram } from '../run-program.ts';

export interface SystemdCall {
  /** `stop the unit shop-api.service`, for errors. */
  readonly purpose: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const unavailable: Unavailability = {
  says: /not been booted with systemd|failed to connect to (system scope |user scope )?bus|access denied|authentication (is )?required|permission denied|not authorized/i,
  hint: 'Units are driven on the host that they run on, by an account that may: root for those of the system, the user itself for user units.',
};

/** systemd's own command line for the units of the system, or of the user who runs it. */
export class SystemdClient {
  readonly isUser: boolean;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(isUser: boolean, environment: NodeJS.ProcessEnv) {
    this.isUser = isUser;
    this.#environment = { ...environment, LC_ALL: 'C', SYSTEMD_COLORS: '0', SYSTEMD_PAGER: '' };
  }

  /** Rejects unless it ends with 0. */
  systemctl(args: readonly string[], call: SystemdCall): Promise<string> {
    const scope = this.isUser ? ['--user'] : [];
    return this.#run({
      ...call,
      program: 'systemctl',
      args: [...scope, '--no-ask-password', ...args],
    });
  }

  /** The newest lines of the journal of a unit. */
  journal(unit: string, args: readonly string[], call: SystemdCall): Promise<string> {
    const which = [this.isUser ? '--user-unit' : '--unit', unit];
    const quiet = ['--no-pager', '--quiet', '--output', 'cat'];
    return this.#run({
      ...call,
      program: 'journalctl',
      args: [...which, ...quiet, ...args],
      keep: 'newest',
    });
  }

  async #run(call: Omit<ProgramCall, 'environment'>): Promise<string> {
    const end = await runProgram({ ...call, environment: this.#environment });
    if (end.exitCode !== 0) throw programFailed(call, end, unavailable);
    return end.stdout;
  }
}
