import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ServerAccount } from './account.ts';

const run = promisify(execFile);

/** How a program is started: `command` with `args` before the program's own. */
export interface Launcher {
  readonly command: string;
  readonly args: readonly string[];
  /** Given to spawn where no launcher program drops the rights. */
  readonly uid?: number;
  readonly gid?: number;
  /** True when the program will have a network namespace of its own, without any interface up. */
  readonly withoutNetwork: boolean;
}

export interface LaunchOptions {
  readonly account: ServerAccount | undefined;
  /** `none` asks for a network namespace of its own; where the system has none to give, it goes without. */
  readonly network: 'none' | 'host';
}

/**
 * Puts together how to start `program`: unprivileged, killed by the kernel when this process dies, without a
 * network. Each part is used only where a trial shows that it works here (util-linux, namespaces allowed).
 */
export async function launcherFor(program: string, options: LaunchOptions): Promise<Launcher> {
  const { account, network } = options;
  const unshare = network === 'none' ? await firstWorking(unshareVariants(account)) : undefined;
  const drop = setpriv(account);
  const drops = await works([...(unshare ?? []), ...drop]);
  const chain = [...(unshare ?? []), ...(drops ? drop : []), program];
  // Root without setpriv: libuv's own setuid, which the namespace must then be done without.
  if (account && !drops) {
    return {
      command: program,
      args: [],
      uid: account.uid,
      gid: account.gid,
      withoutNetwork: false,
    };
  }
  return {
    command: chain[0] as string,
    args: chain.slice(1),
    withoutNetwork: unshare !== undefined,
  };
}

function unshareVariants(account: ServerAccount | undefined): string[][] {
  if (account) return [['unshare', '--net', '--']];
  return [['unshare', '--user', '--map-current-user', '--net', '--']];
}

// SIGQUIT is PostgreSQL's immediate shutdown: the server ends its children itself.
// setpriv asks for the signal after it changed the user, which would otherwise clear the request.
function setpriv(account: ServerAccount | undefined): string[] {
  const drop = account
    ? [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', '--inh-caps=-all']
    : [];
  return ['setpriv', ...drop, '--no-new-privs', '--pdeathsig', 'QUIT', '--'];
}

const trials = new Map<string, Promise<boolean>>();

async function works(prefix: readonly string[]): Promise<boolean> {
  const [command, ...args] = prefix;
  if (command === undefined) return true;
  const key = prefix.join('\0');
  let trial = trials.get(key);
  if (!trial) {
    trial = run(command, [...args, 'true'], { timeout: 20_000, cwd: '/' }).then(
      () => true,
      () => false,
    );
    trials.set(key, trial);
  }
  return await trial;
}

async function firstWorking(variants: string[][]): Promise<string[] | undefined> {
  for (const variant of variants) if (await works(variant)) return variant;
  return undefined;
}
