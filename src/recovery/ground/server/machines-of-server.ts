/** A cluster of PostgreSQL, as identities name it. A physical copy of it has the same. */
export function machinesOfServer(systemId: string | undefined): readonly string[] {
  return systemId === undefined ? [] : [`postgres ${systemId}`];
}
