import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import {
  type ConnectionSettings,
  type DumpOrigin,
  pipeDump,
  startClientProgram,
} from '../../sources/index.ts';

export interface RequireSchemasOptions {
  /** pg_restore. */
  readonly program: string;
  readonly dump: DumpOrigin;
  /** For people. */
  readonly database: string;
  readonly schemas: readonly string[];
  readonly connection: ConnectionSettings;
  readonly signal?: AbortSignal;
}

/** Of pg_restore. Without --strict-names a schema that is not in the dump is an empty choice, and no error. */
export function schemaArguments(schemas: readonly string[]): readonly string[] {
  return schemas.length === 0
    ? []
    : ['--strict-names', ...schemas.map((each) => `--schema=${each}`)];
}

/** Only the table of contents is read, before anything is changed. Errors: `extract.missing`. */
export async function requireSchemas(options: RequireSchemasOptions): Promise<void> {
  const { program, dump, database, schemas, connection, signal } = options;
  if (schemas.length === 0) return;
  const list = startClientProgram({
    program,
    args: ['--list', ...schemaArguments(schemas)],
    connection,
    failure: 'extract.failed',
    hint: 'Nothing was changed.',
    signal,
  });
  list.stdout.resume();
  try {
    await pipeDump(dump, list, () => {});
  } catch (error) {
    const missing = isLifeboatError(error) && /schema "(.*)" not found/.exec(error.message)?.[1];
    if (typeof missing !== 'string') throw error;
    throw new LifeboatError(
      'extract.missing',
      `the dump of ${JSON.stringify(database)} holds nothing in a schema ${JSON.stringify(missing)}`,
      {
        hint: 'Names are taken as they are written, with capitals. Nothing was changed.',
        cause: error,
      },
    );
  }
}
