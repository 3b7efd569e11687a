import {
  type Configuration,
  integrityOf,
  lossObjectiveMs,
  pickRepository,
  proofsOf,
} from '../config/index.ts';
import { formatDuration } from '../core/index.ts';
import type { Repository } from '../repository/index.ts';
import { sourceStatus } from '../service/index.ts';
import type { AnySource, Finding } from '../sources/index.ts';
import type { CommandContext } from './command.ts';

/** Whether what may be lost of a source is more than was promised; nothing where nothing is, or before the first backup. */
export async function examineObjective(
  { signal, output }: CommandContext,
  configuration: Configuration,
  { source, repository }: { readonly source: AnySource; readonly repository: Repository },
): Promise<readonly Finding[]> {
  const { name } = source;
  const setting = configuration.sources[name] as Configuration['sources'][string];
  if (lossObjectiveMs(setting) === undefined) return [];
  const [place, its] = pickRepository(configuration.repositories, setting.repository);
  const seen = {
    name: place,
    setting: its,
    location: repository.location.describe(),
    repository,
    snapshots: await repository.snapshots({ signal, progress: output.progress }),
  };
  const { objective } = await sourceStatus(source, setting, seen, {
    now: new Date(),
    stateFolder: configuration.stateFolder,
    proofs: proofsOf(configuration, name),
    integrity: integrityOf(configuration, name),
    signal,
  });
  if (objective?.ageMs === undefined) return [];
  const { rpoMs, ageMs, isMissed } = objective;
  const promise = `at most ${formatDuration(rpoMs)} are promised (objectives.rpo)`;
  const remedy =
    source.kind === 'postgres'
      ? 'Run `lifeboat serve`, always, and see in `lifeboat status` how far its stream is; or promise less.'
      : `Back up more often (sources.${name}.backup) with \`lifeboat serve\`, or promise less.`;
  return [
    {
      check: 'objective',
      outcome: isMissed ? 'problem' : 'ok',
      fact: `the newest restore point is ${formatDuration(ageMs)} old; ${promise}`,
      remedy: isMissed ? remedy : '',
    },
  ];
}
