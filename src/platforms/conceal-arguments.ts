import { createHmac } from 'node:crypto';

const words =
  'pass(?:word|wd|phrase)?|requirepass|secret|token|credentials?|auth|(?:secret|private|access|api|encryption|signing)[-_.]?key';
/** How the name of an option or a variable ends that holds one. */
const secretName = new RegExp(`(?:${words})$`, 'i');
const assignment = /^(-{0,2}[\w.-]+)=(.+)$/s;
/** In the text of a script: `TOKEN=...`, `--password ...`. */
const withinText = new RegExp(
  `((?:\\b[\\w.-]*(?:${words})=|--?[\\w.-]*(?:${words})\\s+))("[^"]*"|'[^']*'|[^\\s"';&|]+)`,
  'gi',
);
const inAddress = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):([^\s/@]+)@/gi;

/**
 * A command line for a record: what looks like a secret in it is replaced by a salted hash, which tells whether it changed and not what
 * it is. A password given under a name that does not say so is not recognized.
 */
export function concealArguments(args: readonly string[], salt: Uint8Array): readonly string[] {
  const conceal = (value: string) =>
    `[hidden ${createHmac('sha256', salt).update(value).digest('hex').slice(0, 16)}]`;
  return args.map((argument, index) => {
    const before = args[index - 1] ?? '';
    if (
      before.startsWith('-') &&
      !before.includes('=') &&
      secretName.test(before) &&
      !argument.startsWith('-')
    ) {
      return conceal(argument);
    }
    const assigned = assignment.exec(argument);
    if (assigned !== null && secretName.test(assigned[1] as string)) {
      return `${assigned[1]}=${conceal(assigned[2] as string)}`;
    }
    return argument
      .replace(inAddress, (_, start: string, value: string) => `${start}:${conceal(value)}@`)
      .replace(withinText, (whole: string, start: string, value: string) =>
        /\s/.test(argument) ? `${start}${conceal(value)}` : whole,
      );
  });
}
