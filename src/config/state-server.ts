import type { ConfigurationFile } from './schema.ts';

/** What is wrong with the server of the state: one that is to be recovered cannot remember how. Undefined: nothing. */
export function wrongStateServer({ state, sources }: ConfigurationFile): string | undefined {
  if (typeof state !== 'object') return undefined;
  const own = serversOf(state.postgres.connection);
  for (const [name, source] of Object.entries(sources)) {
    if (!('connection' in source)) continue;
    const same = serversOf(source.connection).find((each) => own.includes(each));
    if (same === undefined) continue;
    return `state.postgres.connection: expected a server that is no source, got that of ${name} (${same})`;
  }
  return undefined;
}

/** `host:port` of each server that a URL names. */
function serversOf(url: string): readonly string[] {
  const [, authority = '', query = ''] = /^[a-z]+:\/\/([^/?]*)[^?]*(?:\?(.*))?$/s.exec(url) ?? [];
  const parameters = new URLSearchParams(query);
  const hosts = parameters.get('host') ?? authority.slice(authority.lastIndexOf('@') + 1);
  const ports = parameters.get('port')?.split(',') ?? [];
  return hosts.split(',').map((each, index) => {
    const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(each) ?? [];
    return `${hostName(decodeURIComponent(host))}:${port ?? ports[index] ?? ports[0] ?? '5432'}`;
  });
}

/** However this host is called, it is one. */
function hostName(host: string): string {
  const isHere = host === '' || host.startsWith('/') || host === '[::1]' || /^127\./.test(host);
  return isHere ? 'localhost' : host.toLowerCase();
}
