import { readPassword } from '../config/index.ts';
import type { CheckSurroundings } from '../recovery/index.ts';
import type { CommandContext } from './command.ts';
import { secretSurroundings } from './configured.ts';

/** What checks of services may touch, from a command. A secret is read once, however often it is asked for. */
export function checkSurroundings(context: CommandContext): CheckSurroundings {
  const surroundings = secretSurroundings(context);
  const read = new Map<string, ReturnType<typeof readPassword>>();
  return {
    environment: context.environment,
    secret: (what, setting) => {
      const key = JSON.stringify(setting);
      const secret = read.get(key) ?? readPassword(setting, what, surroundings);
      read.set(key, secret);
      return secret;
    },
  };
}
