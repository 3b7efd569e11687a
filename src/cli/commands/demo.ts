import { once } from 'node:events';
import { ExitCode, LifeboatError } from '../../core/index.ts';
import { defineCommand } from '../command.ts';
import { describeExploring } from '../demo/exploring.ts';
import { tellStory } from '../demo/story.ts';
import { describeSummary } from '../demo/summary.ts';
import { programName } from '../next-command.ts';

export const demo = defineCommand({
  description: `Starts a PostgreSQL 18 of its own, fills it with a shop of more than 500,000 rows, protects it,
lets customers go on ordering, and then deletes all orders by accident. It finds the
transaction, puts the rows back, and compares every row of every table with what it should be.
Exit code 1 when a single row differs. Cleans up whatever happens. Touches nothing of yours.`,
  examples: ['demo', 'demo --keep', 'demo --json'],
  arguments: [],
  options: {
    keep: { flags: '--keep', description: 'keep everything running until Ctrl-C, for exploring' },
  },
  async run({ options }, context) {
    const { output, signal } = context;
    output.say(({ bold }) =>
      bold('\nLifeboat demo: a shop loses all its orders and gets them back\n'),
    );
    await using story = await tellStory(output, signal);
    const { summary } = story;
    output.report({ type: 'demo', ...summary }, (style) => describeSummary(summary, style));
    if (options.keep) {
      const exploring = {
        configFile: story.configFile,
        socketFolder: story.server.socketFolder,
        url: story.server.url,
      };
      output.report({ type: 'demo-kept', ...exploring }, (style) =>
        describeExploring(exploring, programName(context.environment), style),
      );
      if (!signal.aborted) await once(signal, 'abort');
    }
    if (!summary.ok) {
      throw new LifeboatError('demo.difference', 'rows differ from what they should be', {
        hint: 'This must not happen. Please report it with the output above.',
      });
    }
    return ExitCode.ok;
  },
});
