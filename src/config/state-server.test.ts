import { expect, it } from 'vitest';
import { parseConfiguration } from './load.ts';

const parse = (source: string, state: string) => () =>
  parseConfiguration(
    `name: shop
repositories: { main: { location: /backup, password: { env: P } } }
sources: { database: { kind: postgres, connection: "${source}", objectives: { rto: 30m } } }
state: ${state}
`,
    '/etc/lifeboat.yaml',
    {},
  );
const shared = (connection: string) =>
  `{ folder: /var/state, postgres: { connection: "${connection}", password: { file: p } } }`;

it('is a folder, or a folder and a server that hosts share', () => {
  expect(parse('postgres://a@db/shop', 'state')().stateFolder).toBe('/etc/state');
  expect(parse('postgres://a@db/shop', shared('postgres://l@state/lifeboat'))()).toMatchObject({
    stateFolder: '/var/state',
    stateServer: {
      connection: 'postgres://l@state/lifeboat',
      password: { file: '/etc/p' },
    },
  });
});

it.each([
  ['postgres://a@db/shop', 'postgres://l@db/lifeboat'],
  ['postgres://a@DB:5432/shop', 'postgres://l@other,db:5432/lifeboat'],
  ['postgres://a@localhost/shop', 'postgres://l@127.0.0.1:5432/lifeboat'],
  ['postgres:///shop?host=/run/postgresql', 'postgres://[::1]/lifeboat'],
  ['postgres://a@one,db:6000/shop', 'postgres://l@/lifeboat?host=db&port=6000'],
])('is never the server that is to be recovered: %s, %s', (source, state) => {
  expect(parse(source, shared(state))).toThrow(
    'state.postgres.connection: expected a server that is no source, got that of database',
  );
});

it('may be another server of the same host', () => {
  expect(parse('postgres://a@db/shop', shared('postgres://l@db:6000/lifeboat'))).not.toThrow();
});
