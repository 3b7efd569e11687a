/** What a server hands to `archive_command`, and asks `restore_command` for. */
export type ArchiveName =
  | { readonly kind: 'segment' | 'partial'; readonly segment: string }
  | { readonly kind: 'history' | 'backup' };

/** Undefined for anything that PostgreSQL does not name so. */
export function parseArchiveName(name: string): ArchiveName | undefined {
  const segment = /^([0-9A-F]{24})(\.partial)?$/.exec(name);
  if (segment) {
    return { kind: segment[2] ? 'partial' : 'segment', segment: segment[1] as string };
  }
  if (/^[0-9A-F]{8}\.history$/.test(name)) return { kind: 'history' };
  if (/^[0-9A-F]{24}\.[0-9A-F]{8}\.backup$/.test(name)) return { kind: 'backup' };
  return undefined;
}
