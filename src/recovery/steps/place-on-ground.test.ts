import { expect, it } from 'vitest';
import type { SourceSetting } from '../../config/index.ts';
import { placeVariables } from '../validate/application/restored-place.ts';
import { placeOnGround } from './place-on-ground.ts';

const source: SourceSetting = {
  kind: 'postgres',
  connection: 'postgres://a@old:5432/orders',
  repository: 'main',
};

it.each([
  [
    { kind: 'docker-volume', volume: 'shop_db', context: 'standby', subfolder: 'data' },
    { LIFEBOAT_VOLUME: 'shop_db', LIFEBOAT_CONTEXT: 'standby', LIFEBOAT_FOLDER: '/data' },
  ],
  [
    { kind: 'docker-volume', volume: 'shop_db' },
    { LIFEBOAT_VOLUME: 'shop_db', LIFEBOAT_FOLDER: '/' },
  ],
  [
    { kind: 'kubernetes-claim', claim: 'data-db-0', image: 'busybox' },
    { LIFEBOAT_CLAIM: 'data-db-0', LIFEBOAT_NAMESPACE: 'default', LIFEBOAT_FOLDER: '/' },
  ],
  [
    { kind: 'ssh-host', host: 'root@standby-1', folder: '/srv/db' },
    { LIFEBOAT_HOST: 'standby-1', LIFEBOAT_FOLDER: '/srv/db' },
  ],
  [{ kind: 'folder', folder: '/srv/db' }, { LIFEBOAT_FOLDER: '/srv/db' }],
  [
    { kind: 'server', connection: 'postgres://root@db:5433/postgres' },
    { LIFEBOAT_HOST: 'db', LIFEBOAT_PORT: '5433', LIFEBOAT_DATABASE: 'orders' },
  ],
] as const)('services are told where %j is', (ground, variables) => {
  expect(placeVariables(placeOnGround(ground, source))).toEqual(variables);
});
