import { type Configuration, holdsFiles } from '../../../config/index.ts';
import type { CredentialToRotate } from '../../steps/step-inputs.ts';
import type { ServiceFacts } from '../facts.ts';

/** What no configuration can know of; each is asked of a person. */
const unknownToUs: readonly (readonly [name: string, how: string])[] = [
  [
    'API keys',
    'Revoke and reissue the keys that your services use elsewhere, and those that they hand out.',
  ],
  [
    'OAuth and session tokens',
    'Revoke refresh tokens, end every session, change the secrets that sign them.',
  ],
  [
    'cloud and service accounts',
    'Reissue keys of service accounts and roles; look for ones that were added.',
  ],
  [
    'accounts of people',
    'Change passwords and second factors of whoever had access; remove accounts that nobody knows.',
  ],
  [
    'other database roles',
    'ALTER ROLE ... PASSWORD for every role of the cluster; drop those that nobody knows.',
  ],
  ['SSH keys', 'Reissue host and user keys; clear authorized_keys of what nobody knows.'],
  [
    'TLS certificates',
    'Reissue certificates whose private keys lay on the hosts, and revoke the former ones.',
  ],
  [
    'build and deploy tokens',
    'Reissue tokens of registries, of source control and of the pipeline.',
  ],
];

/** Names of environment variables that hold a secret more often than not. */
const secretName =
  /(PASS(WORD|WD)?|SECRET|TOKEN|(API|ACCESS|PRIVATE|SIGNING|ENCRYPTION)_?KEY|_KEY|CREDENTIAL|DSN|DATABASE_URL|REDIS_URL|_URI)$/i;

/**
 * Every credential that an intruder may have seen: those the configuration names, those that environment variables of services look
 * like, those that it lists itself, and those that nobody can know. Values are never read.
 */
export function credentialsToRotate(
  configuration: Configuration,
  services: readonly Pick<ServiceFacts, 'name' | 'environmentNames'>[],
): readonly CredentialToRotate[] {
  const { sources, repositories, recovery } = configuration;
  const found: CredentialToRotate[] = [];
  for (const [name, source] of Object.entries(sources)) {
    if (!holdsFiles(source.kind)) {
      found.push({
        name: `password of the source ${name}`,
        from: 'source',
        how: `Change the password of the role in sources.${name}.connection on the restored server, and where \`password\` reads it.`,
      });
    }
    if (source.kind === 'postgres' && source.rescue !== undefined) {
      found.push({
        name: `rescue password of the source ${name}`,
        from: 'source',
        how: `Change the password of the role in sources.${name}.rescue.connection, and where \`password\` reads it.`,
      });
    }
    if (source.ground?.kind === 'server') {
      found.push({
        name: `password of the ground of ${name}`,
        from: 'ground',
        how: `Change the password of the role in sources.${name}.ground.connection, and where \`password\` reads it.`,
      });
    }
    if (source.ground?.kind === 'ssh-host') {
      found.push({
        name: `SSH key of the ground of ${name}`,
        from: 'ground',
        how: `Make a new key for ${source.ground.host}, and remove the former one from its authorized_keys.`,
      });
    }
  }
  for (const name of Object.keys(repositories)) {
    found.push(
      {
        name: `password of the repository ${name}`,
        from: 'repository',
        how: `\`lifeboat key passwd -r ${name}\`, then change it where repositories.${name}.password reads it. It opens what is stored already, too: with the password the intruder may have read all of it.`,
      },
      {
        name: `access to the location of ${name}`,
        from: 'repository',
        how: `Reissue the keys that lead to repositories.${name}.location (bucket, REST server, rclone remote).`,
      },
    );
  }
  for (const { name, environmentNames } of services) {
    for (const variable of environmentNames.filter((each) => secretName.test(each))) {
      found.push({
        name: `${variable} of ${name}`,
        from: 'environment',
        how: `Reissue what ${variable} holds, and give the new value to the service ${name}.`,
      });
    }
  }
  for (const { name, rotate } of recovery.credentials ?? []) {
    const how = rotate === undefined ? 'Change it by hand.' : `Changed by \`${rotate.join(' ')}\`.`;
    found.push({ name, from: 'configuration', how });
  }
  return [...found, ...unknownToUs.map(([name, how]) => ({ name, from: 'unknown' as const, how }))];
}
