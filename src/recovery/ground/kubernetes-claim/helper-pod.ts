import { createHash, randomBytes } from 'node:crypto';
import { script } from '../in-volume/script.ts';

export interface HelperPodOptions {
  readonly namespace: string;
  readonly claim: string;
  readonly image: string;
  readonly token: string;
  /** Where the claim is mounted in it. */
  readonly mountPath: string;
  /** The node of the pods that use the claim, where it can be used on one only. */
  readonly node: string | undefined;
}

/** Labels of every helper pod; with them those that a killed run left are found. */
export const helperLabels = {
  'app.kubernetes.io/managed-by': 'lifeboat',
  'lifeboat.dev/purpose': 'claim',
} as const;

/** Of the pods of one run. A token may end as the value of a label may not. */
export function tokenLabel(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 32);
}

/** It ends itself after this time if nobody removes it. */
const longestSeconds = 24 * 60 * 60;

/**
 * The pod that reads and writes the claim: it does nothing but wait for commands. It has no access to the cluster, and of the rights of
 * root those only that it takes to give files their owners and modes.
 */
export function helperPod(options: HelperPodOptions): {
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
} {
  const { namespace, claim, image, token, mountPath, node } = options;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      // Another for each attempt: one that is just going away must not be taken for the new one.
      name: `lifeboat-${tokenLabel(`${claim} ${token}`).slice(0, 10)}-${randomBytes(4).toString('hex')}`,
      namespace,
      labels: { ...helperLabels, 'lifeboat.dev/token': tokenLabel(token) },
      annotations: { 'lifeboat.dev/token': token, 'lifeboat.dev/claim': claim },
    },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds: longestSeconds,
      terminationGracePeriodSeconds: 5,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      // Where the volume is, there it must go, also to a node that is closed for others.
      tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }],
      ...(node === undefined ? {} : { nodeName: node }),
      containers: [
        {
          name: 'claim',
          image,
          command: ['sh', '-c', 'trap "exit 0" TERM; sleep 100000 & wait'],
          // Commands reach a pod within an address, which is too short for it.
          env: [{ name: 'LIFEBOAT_SCRIPT', value: withoutExpansion(script) }],
          volumeMounts: [{ name: 'claim', mountPath }],
          resources: { requests: { cpu: '10m', memory: '32Mi' } },
          securityContext: {
            runAsUser: 0,
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'], add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID'] },
            seccompProfile: { type: 'RuntimeDefault' },
          },
        },
      ],
      volumes: [{ name: 'claim', persistentVolumeClaim: { claimName: claim } }],
    },
  };
}

/** What is run in it, followed by the arguments of the script. */
export const helperCommand = ['sh', '-c', 'eval "$LIFEBOAT_SCRIPT"', 'lifeboat'] as const;

/** Kubernetes replaces `$(NAME)` in values, and makes one of two dollars. */
function withoutExpansion(text: string): string {
  return text.replaceAll('$', '$$$$');
}
