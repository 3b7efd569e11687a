import { userInfo } from 'node:os';

/** Who acts, for the record: the account of the system, and behind `sudo` the one who called it. */
export function actorOf(environment: NodeJS.ProcessEnv): string {
  const { SUDO_USER: caller } = environment;
  if (process.getuid?.() === 0 && caller) return caller;
  try {
    return userInfo().username;
  } catch {
    // In some containers the account has no name.
    return `uid ${process.getuid?.()}`;
  }
}
