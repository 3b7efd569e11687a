import { LifeboatError } from '../../../core/index.ts';
import type { ServerLog } from './server-log.ts';

interface KnownFailure {
  readonly pattern: RegExp;
  readonly code: 'postgres.start-failed' | 'postgres.wrong-major' | 'disk.full';
  readonly hint: string;
}

const knownFailures: readonly KnownFailure[] = [
  {
    pattern: /No space left on device|Disk quota exceeded/,
    code: 'disk.full',
    hint: 'Free some space, or name a folder on another disk, and run the command again.',
  },
  {
    pattern: /database files are incompatible with server|not compatible with this version/,
    code: 'postgres.wrong-major',
    hint: 'Use the programs of the major version that wrote the data (file PG_VERSION in the data folder).',
  },
  {
    pattern: /could not access file "[^"]+": No such file|could not load library/,
    code: 'postgres.start-failed',
    hint: 'An extension of the original server is not installed here: install its package for this server.',
  },
  {
    pattern: /has wrong ownership|has invalid permissions/,
    code: 'postgres.start-failed',
    hint: 'The data folder must belong to the account that runs the server, with mode 0700.',
  },
  {
    pattern: /could not create shared memory segment|could not map anonymous shared memory/,
    code: 'postgres.start-failed',
    hint: 'The system gives too little shared memory; free some memory or raise the limit.',
  },
  {
    pattern: /lock file "[^"]+" already exists/,
    code: 'postgres.start-failed',
    hint: 'Another server runs on this data folder: stop it first.',
  },
];

/** A server that ended before it was ready, with its own last words and, where they are known, what to do. */
export function startFailure(dataFolder: string, ending: string, log: ServerLog): LifeboatError {
  const lines = log.lastLines(12);
  const known = knownFailures.find(({ pattern }) => lines.some((line) => pattern.test(line)));
  const fatal = lines.findLast((line) => /\b(FATAL|PANIC|ERROR):/.test(line)) ?? lines.at(-1);
  const fact = fatal?.replace(/^.*?(FATAL|PANIC|ERROR):\s*/, '') ?? ending;
  return new LifeboatError(
    known?.code ?? 'postgres.start-failed',
    `a PostgreSQL server did not start: ${fact}`,
    {
      hint: known?.hint ?? 'The last lines of its log, in the details, say why.',
      context: { dataFolder, ending, log: lines },
    },
  );
}
