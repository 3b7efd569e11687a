import { z } from 'zod';
import { LifeboatError } from '../../core/index.ts';
import { machinesOfEngine } from '../place-of-host.ts';
import type { PlatformIdentity } from '../platform.ts';
import { readAnswer } from '../read-answer.ts';
import type { DockerCall, DockerClient } from './docker-client.ts';

const engineInfo = z.object({ ID: z.string(), Name: z.string(), DockerRootDir: z.string() });
const contextInfo = z.array(
  z.object({ Endpoints: z.object({ docker: z.object({ Host: z.string() }) }) }),
);

/**
 * The engine behind the context. Its id alone is not enough: a cloned machine has the same, and a second engine of one machine. Its address
 * is only told: the same engine is reached in other ways from other hosts.
 */
export async function identifyEngine(
  client: DockerClient,
  call: DockerCall,
): Promise<PlatformIdentity> {
  const { stdout } = await client.run(['info', '--format', '{{json .}}'], call);
  const { ID, Name, DockerRootDir } = readAnswer(engineInfo, stdout, call);
  if (ID === '') {
    throw new LifeboatError(
      'platform.unavailable',
      `cannot ${call.purpose}: it does not say which it is`,
      {
        hint: 'Only engines of Docker are known here; what stands in for one may behave in another way.',
      },
    );
  }
  const context = await client.context(call);
  const found = await client.run(['context', 'inspect', context], call);
  const [about] = readAnswer(contextInfo, found.stdout, call);
  const host = about?.Endpoints.docker.Host ?? '';
  return {
    kind: 'docker',
    text: `docker on ${Name} (${host}${context === 'default' ? '' : `, context ${context}`})`,
    fingerprint: `${ID} ${Name} ${DockerRootDir}`,
    machines: await machinesOfEngine(ID, host),
  };
}
