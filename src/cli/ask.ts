import { LifeboatError } from '../core/index.ts';
import type { Ask, Surroundings } from './command.ts';
import type { Output } from './output/output.ts';

/** Questions on the terminal; nothing when input or output is not one. */
export function createAsk(surroundings: Surroundings, output: Output): Ask | undefined {
  const { stdin, stderr, signal } = surroundings;
  if (!stdin.isTTY || !stderr.isTTY) return undefined;
  const options = { input: stdin, output: stderr, signal };
  return {
    async secret(question) {
      const { password } = await import('@clack/prompts');
      output.pause();
      return answered(await password({ message: question, ...options }));
    },
    async text(question, initial) {
      const { text } = await import('@clack/prompts');
      output.pause();
      return answered(
        await text({
          message: question,
          ...options,
          ...(initial ? { initialValue: initial } : {}),
        }),
      );
    },
    async choose(question, choices, initial) {
      const { select } = await import('@clack/prompts');
      output.pause();
      const answer = await select<string>({
        message: question,
        ...options,
        options: [...choices],
        initialValue: initial,
      });
      return answered(answer) as typeof initial;
    },
  };
}

function answered(answer: string | symbol): string {
  if (typeof answer === 'symbol') throw new LifeboatError('cancelled', 'cancelled at a question');
  return answer;
}
