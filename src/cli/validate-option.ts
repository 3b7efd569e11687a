import { ExitCode, LifeboatError } from '../core/index.ts';
import {
  type RestoredValidation,
  userChecksOf,
  type ValidationLevel,
  validateRestored,
} from '../recovery/index.ts';
import type { InspectRestored, PostgresSource } from '../sources/index.ts';
import type { CommandContext } from './command.ts';
import type { OpenedSource } from './configured.ts';
import { describeValidation } from './output/proof-text.ts';
import type { Style } from './output/style.ts';

export const validateOption = {
  flags: '--validate <how much>',
  description:
    'PostgreSQL: check the restored data before it is handed over: quick (default), full, or none',
} as const;

/** Checks of restored data, as the command line wants them, and what came of them. */
export class RestoredChecks {
  readonly #level: ValidationLevel | undefined;
  readonly #opened: OpenedSource<PostgresSource>;
  readonly #context: CommandContext;
  #result: RestoredValidation | undefined;

  constructor(
    wanted: string | undefined,
    opened: OpenedSource<PostgresSource>,
    context: CommandContext,
  ) {
    this.#level = levelOf(wanted);
    this.#opened = opened;
    this.#context = context;
  }

  /** For the restore. */
  get options(): { readonly inspect?: InspectRestored } {
    const level = this.#level;
    if (level === undefined) return {};
    const { source, repository, configuration } = this.#opened;
    const { output, signal } = this.#context;
    const setting = configuration.sources[source.name];
    const userChecks = setting?.kind === 'postgres' ? userChecksOf(source, setting) : [];
    const { progress } = output;
    const about = { source, repository, level, userChecks, signal, progress };
    return {
      inspect: async (restored) => {
        this.#result = await validateRestored(restored, about);
      },
    };
  }

  /** For `--json`. */
  get record(): object {
    if (this.#level === undefined) return { validation: { level: 'none' } };
    const level = this.#level;
    const { error, ...result } = this.#result ?? { level, verdict: 'not-checked', checks: [] };
    return {
      validation: {
        ...result,
        ...(error ? { error: { code: error.code, message: error.message } } : {}),
      },
    };
  }

  lines(style: Style): readonly string[] {
    if (this.#level === undefined)
      return [style.dim('  note: the data was not checked (--validate none)')];
    return describeValidation(this.#result, style);
  }

  /** Of the command, once the restore was told of. Errors: `cancelled`, when the checks were. */
  get exitCode(): number {
    const result = this.#result;
    if (result?.error?.code === 'cancelled') throw result.error;
    if (this.#level === undefined || result?.verdict === 'passed') return ExitCode.ok;
    return ExitCode.partlyDone;
  }
}

function levelOf(wanted: string | undefined): ValidationLevel | undefined {
  if (wanted === undefined || wanted === 'quick') return 'quick';
  if (wanted === 'full') return 'full';
  if (wanted === 'none') return undefined;
  throw new LifeboatError('usage.invalid', `not a validation: ${JSON.stringify(wanted)}`, {
    hint: 'One of quick, full, none.',
  });
}
