import { LifeboatError } from '../../../core/index.ts';
import type { ConnectionSettings } from '../../../sources/index.ts';
import { extractParts } from '../../extract/extract-parts.ts';
import { readTarget } from '../../plan/plan-target.ts';
import { openSession } from '../../rescue/session.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { ProbeResult, StepContext, StepKind } from '../step-kind.ts';
import { postgresSource } from '../step-source.ts';

type Input = StepInputs['extract'];

/**
 * Tables as they were, into the live database: in one transaction, so that all of them are there or none. A side schema carries the
 * token of the run in its name, and is the run's to remove again.
 */
export const extractStep: StepKind<Input> = {
  name: 'extract',

  async probe(input, context) {
    const there = await tablesThere(input, context);
    if (there === 0) return { found: 'not-done', isAsBefore: true };
    if (there < input.tables.length) {
      return {
        found: 'unclear',
        what: `${there} of ${input.tables.length} tables are in ${input.database}`,
      };
    }
    return { found: 'done', outcome: outcomeOf(input, context, {}) } satisfies ProbeResult;
  },

  async run(input, context) {
    const { surroundings, signal, progress } = context;
    const source = await postgresSource(input.source, 'rescue', context);
    const connection = liveDatabase(input, source.rescueConnection);
    const extracted = await extractParts({
      source,
      repository: await surroundings.repositoryOf(input.source),
      target: readTarget(input.target),
      ...(input.snapshot === undefined ? {} : { base: input.snapshot }),
      ...(input.timeline === undefined ? {} : { timeline: input.timeline }),
      wanted: { database: input.database, schemas: [], tables: input.tables },
      destination:
        input.into === 'original'
          ? { kind: 'server', connection }
          : { kind: 'side', connection, schema: sideSchema(context) },
      signal,
      progress,
    });
    const { reached, snapshot, bytes, leftOut } = extracted;
    return outcomeOf(input, context, { reached, snapshot, bytes, leftOut });
  },

  async undo(input, _outcome, context) {
    if (input.into === 'original') {
      throw new LifeboatError(
        'run.failed',
        `tables of ${input.database} are not dropped by an undo`,
        {
          hint: `Look at ${input.tables.map(({ schema, name }) => `${schema}.${name}`).join(', ')} and drop them yourself if they are not wanted; then leave this undo out with a reason.`,
        },
      );
    }
    const source = await postgresSource(input.source, 'rescue', context);
    const connection = liveDatabase(input, source.rescueConnection);
    await using session = await openSession(connection, context.signal);
    await session.run(`drop schema if exists "${sideSchema(context)}" cascade`);
    return `dropped the side schema ${sideSchema(context)}`;
  },
};

/** A token is hex digits. */
function sideSchema({ token }: StepContext): string {
  return `lifeboat_${token}`;
}

function liveDatabase({ database }: Input, connection: ConnectionSettings): ConnectionSettings {
  return { ...connection, database };
}

async function tablesThere(input: Input, context: StepContext): Promise<number> {
  const source = await postgresSource(input.source, 'rescue', context);
  const connection = liveDatabase(input, source.rescueConnection);
  await using session = await openSession(connection, context.signal);
  const side = input.into === 'side-schema' ? sideSchema(context) : undefined;
  const schemas = input.tables.map(({ schema }) => side ?? schema);
  const [row] = await session.rows<{ there: number }>(
    `select count(*)::int as there from unnest($1::text[], $2::text[]) as t (schema, name)
       where exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = t.schema and c.relname = t.name)`,
    [schemas, input.tables.map(({ name }) => name)],
  );
  return row?.there ?? 0;
}

function outcomeOf(
  input: Input,
  context: StepContext,
  evidence: Readonly<Record<string, unknown>>,
) {
  const names = input.tables.map(({ schema, name }) => `${schema}.${name}`);
  const side = input.into === 'side-schema' ? sideSchema(context) : undefined;
  return {
    text: `brought ${names.join(', ')} of ${input.database} back${side === undefined ? '' : `, into the schema ${side}`}`,
    result: { database: input.database, ...(side === undefined ? {} : { schema: side }) },
    evidence,
  };
}
