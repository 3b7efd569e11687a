import type { ClusterObject, Pod } from '../../../platforms/index.ts';

/** A persistent volume claim, as far as it is read here. */
export interface Claim extends ClusterObject {
  readonly spec: { readonly accessModes?: readonly string[]; readonly volumeName?: string };
  readonly status?: { readonly phase?: string };
}

/** Some container of it may use the claim, now or as soon as it starts. */
export function usesClaim({ spec, status }: Pod, claim: string): boolean {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return false;
  return (spec.volumes ?? []).some((each) => each.persistentVolumeClaim?.claimName === claim);
}

/** It can be used by pods of one node only. */
export function isOnOneNode({ spec }: Claim): boolean {
  const modes = spec.accessModes ?? [];
  return !modes.includes('ReadWriteMany');
}

export function isForOnePod({ spec }: Claim): boolean {
  return spec.accessModes?.includes('ReadWriteOncePod') === true;
}
