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
/** `Authorization: Bearer ...`, as curl takes it. */
const inHeader =
  /(\b(?:proxy-)?authorization\s*:\s*(?:(?:basic|bearer|token|digest)\s+)?|\b(?:set-)?cookie\s*:\s*|\bx-[\w-]*(?:key|token|secret|auth)\s*:\s*)([^\s"']+)/gi;
/** Options of well-known programs that take one, behind them or in the same word, and do not say so. */
const options: Readonly<Record<string, readonly string[]>> = {
  curl: ['-u', '--user', '-U', '--proxy-user'],
  'redis-cli': ['-a'],
  sshpass: ['-p'],
};
/** Those of programs that take it in the same word only: behind a space it is something else. */
const attachedOptions: Readonly<Record<string, readonly string[]>> = {
  ...options,
  ...Object.fromEntries(
    ['mysql', 'mysqldump', 'mysqladmin', 'mariadb', 'mariadb-dump'].map((each) => [each, ['-p']]),
  ),
};
/** The same within a script. */
const inScript =
  /(\b(?:curl\b[^|;&\n]*?\s(?:-u|-U|--user|--proxy-user)[ =]?|redis-cli\b[^|;&\n]*?\s-a ?|sshpass\s+-p ?|(?:mysql|mariadb)[\w-]*\b[^|;&\n]*?\s-p))("[^"]*"|'[^']*'|[^\s"';&|]+)/g;
/** By their form: keys and tokens of well-known services, and what was signed as a web token. */
const knownForms =
  /\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|sk-[\w-]{20,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)/g;

/**
 * A command line with what looks like a secret in it replaced by what `conceal` makes of it. A password given under a name that does not
 * say so is not recognized.
 */
export function concealSecretArguments(
  args: readonly string[],
  conceal: (secret: string) => string,
): readonly string[] {
  let program = '';
  return args.map((argument, index) => {
    const before = args[index - 1] ?? '';
    if (takesSecret(program, before) && !argument.startsWith('-')) return conceal(argument);
    const attached = attachedTo(program, argument);
    if (attached !== undefined) {
      return `${attached}${conceal(argument.slice(attached.length))}`;
    }
    // The program itself, or the one that a wrapper starts: `sudo curl`, `docker exec db mysql`.
    const name = argument.split('/').at(-1) ?? '';
    if (Object.hasOwn(attachedOptions, name)) program = name;
    const assigned = assignment.exec(argument);
    if (assigned !== null && secretName.test(assigned[1] as string)) {
      return `${assigned[1]}=${conceal(assigned[2] as string)}`;
    }
    return concealInText(argument, conceal);
  });
}

/** The same for a text that is no command line: a script, a note, a query. */
export function concealInText(text: string, conceal: (secret: string) => string): string {
  const isScript = /\s/.test(text);
  return text
    .replace(inAddress, (_, start: string, value: string) => `${start}:${conceal(value)}@`)
    .replace(inHeader, (_, start: string, value: string) => `${start}${conceal(value)}`)
    .replace(inScript, (whole: string, start: string, value: string) =>
      isScript ? `${start}${conceal(value)}` : whole,
    )
    .replace(withinText, (whole: string, start: string, value: string) =>
      isScript ? `${start}${conceal(value)}` : whole,
    )
    .replace(knownForms, (value) => conceal(value));
}

function takesSecret(program: string, option: string): boolean {
  if (!option.startsWith('-') || option.includes('=')) return false;
  return secretName.test(option) || (options[program]?.includes(option) ?? false);
}

/** The option that the secret hangs on: `-u` of `-uada:secret`, `--user=` of `--user=ada:secret`. */
function attachedTo(program: string, argument: string): string | undefined {
  return attachedOptions[program]
    ?.map((option) => (option.startsWith('--') ? `${option}=` : option))
    .find((start) => argument.startsWith(start) && argument.length > start.length);
}
