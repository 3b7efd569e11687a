/** How to connect to a server on a socket, for people and for programs. */
export function describeServer(
  server: { readonly socketFolder: string; readonly port: number; readonly user: string },
  database: string,
  isAsItWas: boolean,
): {
  readonly psql: string;
  readonly url: string;
  readonly record: Readonly<Record<string, string | number>>;
} {
  const { socketFolder, port, user } = server;
  // What the copied catalog says about libraries could not be taken out of a server that only reads.
  const quiet = isAsItWas ? '-csession_preload_libraries= -clocal_preload_libraries=' : undefined;
  const options = quiet ? ` options='${quiet}'` : '';
  const query = quiet ? `&options=${encodeURIComponent(quiet)}` : '';
  const url = `postgres://${encodeURIComponent(user)}@localhost:${port}/${encodeURIComponent(database)}?host=${encodeURIComponent(socketFolder)}${query}`;
  return {
    psql: `psql "host=${socketFolder} port=${port} user=${user} dbname=${database}${options}"`,
    url,
    record: { url, socketFolder, port, user, database },
  };
}
