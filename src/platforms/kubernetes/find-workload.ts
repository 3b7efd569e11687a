import { LifeboatError } from '../../core/index.ts';
import { controllerOf, type Workload } from './cluster-objects.ts';
import { inNamespace, resources, type WorkloadCall } from './workload-call.ts';

/** The workload as it is now; undefined when there is none. */
export async function findWorkload(call: WorkloadCall): Promise<Workload | undefined> {
  const { kind, name, text } = call.workload;
  const args = ['get', resources[kind], name];
  return await call.kubectl.find<Workload>(inNamespace(call, `read ${text}`, args));
}

/** Something above it, such as an operator's own object, would set back what is changed here: then nothing is changed at all. */
export function requireOwnMaster({ workload }: WorkloadCall, found: Workload): void {
  const owner = controllerOf(found);
  if (owner === undefined) return;
  throw new LifeboatError(
    'platform.failed',
    `${workload.text} belongs to ${owner.kind}/${owner.name}, which keeps it as it wants it`,
    {
      hint: `Stop ${owner.kind}/${owner.name} by its own means: name commands for that in a service with "platform: shell".`,
    },
  );
}

/** What the names of a state say is to be there again, is gone. */
export function isGone({ workload }: WorkloadCall): LifeboatError {
  return new LifeboatError('platform.failed', `there is no ${workload.text}`, {
    hint: 'It was deleted, or its name, namespace or context in lifeboat.yaml is another one. Create it again (`kubectl apply`), then repeat this.',
  });
}
