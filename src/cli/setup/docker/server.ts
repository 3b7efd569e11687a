import { posix } from 'node:path';
import type { GroundFile } from '../../../config/index.ts';
import type { SurveyedContainer, SurveyedServer } from '../../../platforms/index.ts';
import type { ChosenServer } from '../setup-choices.ts';

export type ServerContainer = SurveyedContainer & { readonly server: SurveyedServer };

export function isServer(container: SurveyedContainer): container is ServerContainer {
  return container.server !== undefined;
}

/** Where its server is reached, for a role that is to be made; undefined: it publishes no fixed port that this host reaches. */
export function proposedUrl({ server }: ServerContainer): string | undefined {
  const { address, database } = server;
  if (address === undefined) return undefined;
  return `postgres://lifeboat@${address.host}:${address.hostPort}/${encodeURIComponent(database)}`;
}

/** What is written of the container. `service`: its name in `services`; undefined: a recovery leaves it and its data alone. */
export function chosenServer(
  container: ServerContainer,
  service: string | undefined,
  context: string | undefined,
): ChosenServer {
  const { user, database, dataFolder, hasPassword, passwordVariable } = container.server;
  return {
    container: container.name,
    ...{ user, database, dataFolder, hasPassword, passwordVariable },
    ...(service === undefined ? {} : { service, ...groundOf(container, context) }),
  };
}

/** Where its data lies, and a recovery puts it back. */
export function groundOf(
  { server, mounts, image }: ServerContainer,
  context: string | undefined,
): Pick<ChosenServer, 'ground' | 'groundNote'> {
  const { dataFolder } = server;
  if (dataFolder === undefined) {
    return {
      groundNote:
        'Nothing says in which folder of the container its data is. `recover` has to know the volume:\nground: { kind: docker-volume, volume: NAME }',
    };
  }
  const [mount] = mounts
    .filter(({ at }) => `${dataFolder}/`.startsWith(at === '/' ? at : `${at}/`))
    .sort((a, b) => b.at.length - a.at.length);
  if (mount === undefined) {
    return {
      groundNote: `Its data (${dataFolder}) is in no volume and no folder that is seen here: it goes with its container, and\n\`recover\` has no place to put it. Give it a volume, then:\nground: { kind: docker-volume, volume: NAME, image: "${image}" }`,
    };
  }
  const subfolder = posix.relative(mount.at, dataFolder);
  if (mount.kind === 'folder') {
    return { ground: { kind: 'folder', folder: posix.join(mount.name, subfolder) } };
  }
  const ground: GroundFile = {
    kind: 'docker-volume',
    volume: mount.name,
    ...(subfolder === '' ? {} : { subfolder }),
    ...(context === undefined ? {} : { context }),
    image,
  };
  if (!/^[0-9a-f]{64}$/.test(mount.name)) return { ground };
  const groundNote =
    'A volume without a name: it goes with its container. Give it a name in the compose file, and here.';
  return { ground, groundNote };
}
