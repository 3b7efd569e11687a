import { ExitCode } from '../../core/index.ts';
import { proveSource, userChecksOf } from '../../recovery/index.ts';
import { chooseBase, chooseTarget, targetOptions } from '../choose-target.ts';
import { defineCommand, sourceArgument } from '../command.ts';
import { openConfiguredSource } from '../configured.ts';
import { describeProof } from '../output/proof-text.ts';
import { describeTarget } from '../target.ts';

export const prove = defineCommand({
  description: `Restores a source to a private server of its own, checks all of its data, and keeps the result as a
proof in the repository: restore point, measured time and loss, what was checked, what was not. The
server that runs now is not touched; the copy goes away afterwards. Looked at are page checksums,
libraries, indexes, every row of every table, row counts, amcheck, pg_visibility, foreign keys, check
constraints, and the \`checks\` of the configuration. Exit code 1 when something does not hold.`,
  examples: [
    'prove',
    'prove database --at "2026-11-21 14:29 UTC"',
    'prove --snapshot 4f2a91c0 --json',
  ],
  arguments: [sourceArgument],
  options: targetOptions,
  async run({ arguments: [wanted], options }, context) {
    await using opened = await openConfiguredSource(context, wanted);
    const { output, signal } = context;
    const { source, repository, configuration } = opened;
    const target = await chooseTarget(options, opened, context);
    const setting = configuration.sources[source.name];
    const proof = await proveSource({
      source,
      repository,
      target,
      targetText: describeTarget(target),
      ...(await chooseBase(options, repository)),
      userChecks: setting?.kind === 'postgres' ? userChecksOf(source, setting) : [],
      signal,
      progress: output.progress,
    });
    output.report({ type: 'proof', ...proof }, (style) => describeProof(proof, style));
    return proof.verdict === 'passed' ? ExitCode.ok : ExitCode.failed;
  },
});
