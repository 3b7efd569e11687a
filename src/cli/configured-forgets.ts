import { pickRepository } from '../config/index.ts';
import { LifeboatError } from '../core/index.ts';
import type { ForgetOptions } from '../repository/index.ts';
import { forgetRequest, keptSources } from '../service/index.ts';
import type { CommandContext } from './command.ts';
import { loadConfigured } from './configured.ts';

/** A repository of the configuration, and for each source that has a policy there what `serve` forgets. Errors: `config.*`. */
export function configuredForgets(
  context: CommandContext,
  repository: string | undefined,
): { readonly name: string; readonly requests: readonly ForgetOptions[] } {
  const configuration = loadConfigured(context);
  const [name] = pickRepository(configuration.repositories, repository);
  const requests = keptSources(configuration, name).flatMap(({ policy, ...source }) =>
    policy === undefined ? [] : [forgetRequest({ ...source, policy })],
  );
  if (requests.length > 0) return { name, requests };
  throw new LifeboatError(
    'config.invalid',
    `no source has a retention in the repository "${name}"`,
    {
      hint: 'Nothing is forgotten then. Add `retention:` to lifeboat.yaml, or give --keep options.',
    },
  );
}
