import { z } from 'zod';

/** What a value means to whoever wants to know what a configuration would do, and what of it may be kept. */
export type Role =
  /** Program and arguments. */
  | 'command'
  /** A file or folder of this host. */
  | 'path'
  /** The same, unless it is a word of our own: `auto`, `never`. */
  | 'path-or-word'
  /** A folder from which programs are started. */
  | 'programs'
  /** Of a repository. */
  | 'location'
  /** URL of a server. */
  | 'server'
  /** Something of a platform: a container, a unit, a workload, a volume; and where it is. */
  | 'target'
  /** A container is made of it. */
  | 'image'
  /** A host, as ssh takes it. */
  | 'host'
  /** Run on a server. */
  | 'sql'
  /** Values that HTTP requests carry, under a name. */
  | 'header'
  | 'sent'
  /** Name of an environment variable. */
  | 'variable'
  /** Names that other options refer to. */
  | 'name';

const roles = z.registry<{ readonly role: Role }>();

/** What is derived of the schema later (a description, a rule) has the role, too. */
export function withRole<Schema extends z.core.$ZodType>(role: Role, schema: Schema): Schema {
  roles.add(schema, { role });
  return schema;
}

export function roleOf(schema: z.core.$ZodType): Role | undefined {
  return roles.get(schema)?.role;
}
