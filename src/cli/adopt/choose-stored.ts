import { LifeboatError } from '../../core/index.ts';
import type { FoundConfiguration } from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import { ago } from '../output/ago.ts';
import { visible } from '../output/visible.ts';

/** Which of the stored configurations: the only one, the one of the named host, or whichever is chosen at the terminal. Errors: `usage.invalid`. */
export async function chooseStored(
  { ask }: CommandContext,
  found: readonly FoundConfiguration[],
  wanted: string | undefined,
): Promise<FoundConfiguration> {
  const named = (each: FoundConfiguration) => nameOf(each, found);
  const fitting = found.filter((each) => {
    return wanted === undefined || wanted === each.kept.host || wanted === named(each);
  });
  const [only, other] = fitting;
  if (only && !other) return only;
  const all = found.map((each) => visible(named(each))).join(', ');
  if (!only) {
    const fact = `no host called ${JSON.stringify(wanted)} has stored its configuration here`;
    throw new LifeboatError('usage.invalid', fact, { hint: `There are: ${all}.` });
  }
  if (!ask) {
    throw new LifeboatError('usage.invalid', 'several configurations are stored here', {
      hint: `Say which with \`lifeboat init --from-repository LOCATION --host NAME\`: ${all}.`,
    });
  }
  const options = fitting.map((each) => ({
    value: each.id,
    label: `${visible(named(each))}: ${visible(nameIn(each))}, stored ${ago(each.time, new Date())}`,
  }));
  const id = await ask.choose('Which configuration?', options, only.id);
  return fitting.find((each) => each.id === id) as FoundConfiguration;
}

/** The host; with the file, where it has stored several. */
function nameOf({ kept }: FoundConfiguration, all: readonly FoundConfiguration[]): string {
  const ofHost = all.filter((each) => each.kept.host === kept.host);
  return ofHost.length === 1 ? kept.host : `${kept.host}:${kept.file}`;
}

function nameIn({ kept }: FoundConfiguration): string {
  const { name } = (kept.configuration ?? {}) as { readonly name?: unknown };
  return typeof name === 'string' ? name.slice(0, 100) : 'without a name';
}
