import { expect, it } from 'vitest';
import { Secret } from '../../../core/index.ts';
import { clientEnvironment } from './client-environment.ts';

const settings = {
  host: '/run/scratch',
  port: 5432,
  user: 'postgres',
  database: 'a=b',
  sslmode: 'disable',
} as const;

it('says where to connect itself, whatever libpq would find, and passes on no secrets of ours', () => {
  const environment = {
    PATH: '/bin',
    HOME: '/root',
    PGHOSTADDR: '10.0.0.1',
    PGSERVICE: 'production',
    PGOPTIONS: '-c role=other',
    PGPASSFILE: '/root/pass',
    LIFEBOAT_PASSWORD: 'of the repository',
  };
  expect(clientEnvironment(settings, environment)).toEqual({
    PATH: '/bin',
    HOME: '/root',
    LC_ALL: 'C',
    PGHOST: '/run/scratch',
    PGPORT: '5432',
    PGUSER: 'postgres',
    PGDATABASE: 'a=b',
    PGSSLMODE: 'disable',
    PGAPPNAME: 'lifeboat dump',
    PGCONNECT_TIMEOUT: '30',
    PGCLIENTENCODING: 'UTF8',
    PGPASSFILE: '/root/pass',
  });
});

it('prefers the password of the settings', () => {
  const environment = { PGPASSWORD: 'of the environment' };
  const password = new Secret('of the settings');
  const told = clientEnvironment({ ...settings, password }, environment);
  expect(told.PGPASSWORD).toBe('of the settings');
  expect(clientEnvironment(settings, environment).PGPASSWORD).toBe('of the environment');
});
