import type { GroundFile } from '../../../config/index.ts';
import { LifeboatError } from '../../../core/index.ts';
import type { Kubectl, ObjectList, Pod } from '../../../platforms/index.ts';
import { type Claim, isForOnePod, isOnOneNode, usesClaim } from './claim-objects.ts';
import { helperLabels, tokenLabel } from './helper-pod.ts';

export type ClaimSetting = Extract<GroundFile, { kind: 'kubernetes-claim' }>;

export interface ClaimContext {
  readonly kubectl: Kubectl;
  readonly setting: ClaimSetting;
  readonly signal?: AbortSignal | undefined;
}

const requestTimeoutMs = 30_000;

/** Arguments for kubectl in the namespace of the claim. */
export function inNamespaceOf(
  { setting, signal }: ClaimContext,
  purpose: string,
  args: readonly string[],
) {
  return {
    args: [...args, '--namespace', setting.namespace ?? 'default'],
    purpose,
    timeoutMs: requestTimeoutMs,
    signal,
  };
}

/** `claim db-data in namespace shop` */
export function describeClaim({ claim, namespace = 'default' }: ClaimSetting): string {
  return `claim ${claim} in namespace ${namespace}`;
}

/** The claim as it is; one that is missing, lost or going away is an error. */
export async function requireClaim(context: ClaimContext): Promise<Claim> {
  const { kubectl, setting } = context;
  const text = describeClaim(setting);
  const args = ['get', 'persistentvolumeclaims', setting.claim];
  const claim = await kubectl.find<Claim>(inNamespaceOf(context, `read the ${text}`, args));
  if (claim === undefined) {
    throw refused(
      `there is no ${text}`,
      'Create it, or see that its name, namespace and context in lifeboat.yaml are right.',
    );
  }
  if (claim.metadata.deletionTimestamp !== undefined) {
    throw refused(
      `the ${text} is being deleted`,
      'It goes as soon as no pod uses it. Put the data into another claim.',
    );
  }
  if (claim.status?.phase === 'Lost') {
    throw refused(
      `the ${text} has lost its volume`,
      'Its persistent volume is gone. Put the data into a new claim.',
    );
  }
  return claim;
}

export interface ClaimUse {
  /** Pods that use it; not those of this run. */
  readonly users: readonly Pod[];
  /** Left by this run when it was killed. */
  readonly leftOver: readonly Pod[];
}

export async function claimUse(context: ClaimContext, token: string): Promise<ClaimUse> {
  const { kubectl, setting } = context;
  const purpose = `see which pods use the ${describeClaim(setting)}`;
  const list = await kubectl.json<ObjectList<Pod>>(
    inNamespaceOf(context, purpose, ['get', 'pods']),
  );
  const pods = list.items.filter((pod) => usesClaim(pod, setting.claim));
  const wanted = { ...helperLabels, 'lifeboat.dev/token': tokenLabel(token) };
  const isLeftOver = ({ metadata }: Pod) =>
    Object.entries(wanted).every(([key, value]) => metadata.labels?.[key] === value);
  return {
    users: pods.filter((pod) => !isLeftOver(pod)),
    leftOver: pods.filter(isLeftOver),
  };
}

/** The node that a helper pod has to be on. Errors: `target.in-use`, when it may not be anywhere, or nobody may use the claim. */
export function nodeFor(
  { setting }: ClaimContext,
  claim: Claim,
  users: readonly Pod[],
  isToBeFree: boolean,
): string | undefined {
  if (users.length > 0 && (isToBeFree || isForOnePod(claim))) {
    const names = users.map(({ metadata }) => metadata.name);
    throw new LifeboatError(
      'target.in-use',
      `the ${describeClaim(setting)} is in use by ${names.join(', ')}`,
      {
        hint: 'Stop what these pods belong to first (lifeboat freeze). One named lifeboat-… is of another run: delete it when that run is over.',
        context: { pods: names },
      },
    );
  }
  if (!isOnOneNode(claim)) return undefined;
  return users.find(({ spec }) => spec.nodeName !== undefined)?.spec.nodeName;
}

function refused(message: string, hint: string): LifeboatError {
  return new LifeboatError('ground.failed', message, { hint });
}
