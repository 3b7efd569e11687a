import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { root } from '../tidy/tree.ts';
import type { TestCluster } from './kubernetes.ts';

interface RoleDocument {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly rules: readonly object[];
}

/** The roles that the guide prints for services, or for a claim as a ground; word for word. */
export function rolesOfGuide(what: 'services' | 'claim'): readonly RoleDocument[] {
  const name = what === 'services' ? 'lifeboat' : 'lifeboat-claim';
  const page = readFileSync(join(root, 'docs/guide/services.md'), 'utf8');
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => match[1] as string);
  const all = blocks
    .filter((each) => /^kind: Role$/m.test(each))
    .flatMap((each) => parseAllDocuments(each).map((one) => one.toJS() as RoleDocument));
  return all.filter(({ metadata }) => metadata.name === name || metadata.name === 'lifeboat-place');
}

/** A kubeconfig of an account that has these roles in the namespace, where the guide has one called `shop`. */
export async function accountWith(
  cluster: TestCluster,
  namespace: string,
  name: string,
  roles: readonly RoleDocument[],
): Promise<string> {
  const place = (each: RoleDocument) =>
    each.metadata.namespace === 'shop' ? namespace : each.metadata.namespace;
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  await cluster.apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    ...roles.map((role) => ({ ...role, metadata: { name, namespace: place(role) } })),
    ...roles.map((role) => ({
      apiVersion,
      kind: 'RoleBinding',
      metadata: { name: `${name}-${namespace}`, namespace: place(role) },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    })),
  );
  const token = await cluster.kubectl(['create', 'token', name, '--namespace', namespace]);
  const admin = readFileSync(cluster.kubeconfig, 'utf8');
  const path = `${cluster.kubeconfig}.${namespace}.${name}`;
  writeFileSync(path, admin.replace(/token: \w+/, `token: ${token.trim()}`), { mode: 0o600 });
  return path;
}
