import type { Session } from '../rescue/session.ts';
import type { Place } from './place.ts';

/** What a server says of itself. */
export async function readPlaceFacts(
  session: Session,
): Promise<
  Pick<
    Place,
    'major' | 'pageSizeBytes' | 'segmentPages' | 'hasChecksums' | 'databases' | 'closedDatabases'
  >
> {
  const settings = await session.rows<{ name: string; setting: string }>(
    `select name, setting from pg_settings
     where name in ('server_version_num', 'block_size', 'segment_size', 'data_checksums')`,
  );
  const value = (name: string) => settings.find((each) => each.name === name)?.setting ?? '';
  const databases = await session.rows<{
    oid: number;
    name: string;
    open: boolean;
    isTemplate: boolean;
  }>(
    // -2: DROP DATABASE was interrupted, and nothing connects to what is left.
    `select oid::int8::float8 as oid, datname::text as name, datallowconn and datconnlimit <> -2 as open,
       datistemplate as "isTemplate"
     from pg_database order by oid`,
  );
  return {
    major: Math.floor(Number(value('server_version_num')) / 10_000),
    pageSizeBytes: Number(value('block_size')),
    segmentPages: Number(value('segment_size')),
    hasChecksums: value('data_checksums') === 'on',
    databases: databases.filter(({ open }) => open).map(({ open: _, ...database }) => database),
    // template0 is what initdb made, and never changes.
    closedDatabases: databases
      .filter(({ open, name }) => !open && name !== 'template0')
      .map(({ name }) => name),
  };
}
