import { z } from 'zod';
import { connection, image as imageName, password, path, target } from './parts.ts';
import { withRole } from './roles.ts';

const image = imageName
  .optional()
  .describe(
    'Image of the container that reads and writes it; needs sh and tar. Default: that of a container that uses it.',
  );

const owner = z
  .string()
  .regex(/^\d{1,10}:\d{1,10}$/, { error: 'numbers of an account and a group, such as 999:999' })
  .optional()
  .describe(
    'Numbers of the account and group that a restored database belongs to there, as UID:GID. Default: those it had where it was backed up.',
  );

const folder = z.strictObject({
  kind: z.literal('folder').describe('A folder of this host.'),
  folder: path.describe('The folder that services use.'),
  owner,
});

const dockerVolume = z.strictObject({
  kind: z.literal('docker-volume').describe('A volume of Docker.'),
  volume: target.describe('Name of the volume.'),
  subfolder: z
    .string()
    .min(1)
    .optional()
    .describe('Folder in it that holds the data. Default: all of it.'),
  context: target.optional().describe('Docker context. Default: the current one.'),
  image,
  owner,
});

const kubernetesClaim = z.strictObject({
  kind: z.literal('kubernetes-claim').describe('A persistent volume claim of Kubernetes.'),
  claim: target.describe('Name of the claim.'),
  namespace: target.optional().describe('Default: default.'),
  context: target.optional().describe('Context of kubectl. Default: the current one.'),
  kubeconfig: path.optional().describe('File of kubectl. Default: its own.'),
  subfolder: z
    .string()
    .min(1)
    .optional()
    .describe('Folder in it that holds the data. Default: all of it.'),
  image: imageName.describe('Image of the helper pod; needs sh and tar.'),
  owner,
});

const sshHost = z.strictObject({
  kind: z.literal('ssh-host').describe('A folder of another host, over SSH.'),
  host: withRole('host', z.string().min(1)).describe(
    'As ssh takes it: a name of its configuration, or user@host.',
  ),
  port: z.int().min(1).max(65535).optional().describe('Default: as ssh says.'),
  identity: path.optional().describe('File of the key. Default: as ssh says.'),
  knownHosts: path.optional().describe('File of known hosts. Default: as ssh says.'),
  folder: z.string().min(1).describe('The folder that services use there.'),
  owner,
});

const server = z.strictObject({
  kind: z.literal('server').describe('A PostgreSQL server, by connection alone.'),
  connection: connection.describe('URL of a role that may create databases there.'),
  password: password.optional().describe('Password of that role.'),
});

/** Where a recovered source is put. */
export const ground = z.discriminatedUnion('kind', [
  folder,
  dockerVolume,
  kubernetesClaim,
  sshHost,
  server,
]);

export type GroundFile = z.infer<typeof ground>;
