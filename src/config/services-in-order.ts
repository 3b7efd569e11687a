import type { ServiceFile } from './schema/service.ts';

type Services = Readonly<Record<string, ServiceFile>>;

/** Names so that each stands after those it needs, else as in the file; `circle` instead when some need each other. */
export function servicesInOrder(
  services: Services,
): { readonly order: readonly string[] } | { readonly circle: readonly string[] } {
  const order: string[] = [];
  const path: string[] = [];
  const visit = (name: string): readonly string[] | undefined => {
    if (order.includes(name)) return undefined;
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    path.push(name);
    for (const needed of services[name]?.after ?? []) {
      const circle = visit(needed);
      if (circle) return circle;
    }
    path.pop();
    order.push(name);
    return undefined;
  };
  for (const name of Object.keys(services)) {
    const circle = visit(name);
    if (circle) return { circle };
  }
  return { order };
}
