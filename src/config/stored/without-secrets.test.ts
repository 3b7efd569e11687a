import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rememberSecret } from '../../core/index.ts';
import { parseConfiguration } from '../load.ts';
import { addressWithoutSecrets } from './address-without-secrets.ts';
import { configurationYaml, storableConfiguration } from './storable-configuration.ts';
import { incompletePlaces, notStored } from './without-secrets.ts';

const environment = { HOME: '/home/ada', SHOP_TOKEN: 'env-secret-5512' };
const file = '/etc/lifeboat/lifeboat.yaml';
const base = {
  name: 'shop',
  repositories: { main: { location: 'backups', password: { file: '~/password' } } },
  sources: { database: { kind: 'postgres', connection: 'postgres://lifeboat@db/shop' } },
};
const keep = (change: object) => {
  const text = JSON.stringify({ ...base, ...change });
  return storableConfiguration(parseConfiguration(text, file, environment), environment);
};
const service = (change: object) => ({
  services: {
    api: { platform: 'shell', stop: ['true'], start: ['true'], isRunning: ['true'], ...change },
  },
});
const check = (change: object) => service({ checks: [change] });

describe('a configuration that is kept', () => {
  it('is as it was, with paths that mean the same elsewhere', () => {
    const { configuration, leftOut } = keep({
      ...service({ stop: ['docker', 'compose', '--file', 'a.yml', 'stop'] }),
      state: 'state',
      recovery: { maintenanceFile: { page: 'page.html', at: '/srv/index.html' } },
    });
    expect(leftOut).toEqual([]);
    expect(configuration).toMatchObject({
      repositories: {
        main: { location: '/etc/lifeboat/backups', password: { file: '/home/ada/password' } },
      },
      state: '/etc/lifeboat/state',
      services: { api: { stop: ['docker', 'compose', '--file', 'a.yml', 'stop'] } },
      recovery: { maintenanceFile: { page: '/etc/lifeboat/page.html' } },
    });
    const again = parseConfiguration(configurationYaml(configuration), '/x/lifeboat.yaml', {});
    expect(again.declared).toEqual(configuration);
  });

  const header = 'Authorization: Bearer hunter2';
  it.each<[string, object, string]>([
    [
      'in the address of a server',
      { sources: { d: { kind: 'postgres', connection: 'postgres://a:hunter2@db/shop' } } },
      'sources.d.connection',
    ],
    [
      'in a parameter of one',
      { sources: { d: { kind: 'postgres', connection: 'postgres://db/s?password=hunter2&x=1' } } },
      'sources.d.connection',
    ],
    [
      'in the location of a repository',
      {
        repositories: {
          main: { location: 'rest:https://ada:hunter2@host/x/', password: { prompt: true } },
        },
      },
      'repositories.main.location',
    ],
    [
      'in the name of a variable',
      { repositories: { main: { location: '/r', password: { env: 'hunter2 !' } } } },
      'repositories.main.password.env',
    ],
    [
      'in what prints a password',
      { repositories: { main: { location: '/r', password: { command: ['echo', 'hunter2'] } } } },
      'repositories.main.password.command',
    ],
    [
      'in a script that prints one',
      {
        repositories: {
          main: { location: '/r', password: { command: ['sh', '-c', 'echo -n "hunter2"'] } },
        },
      },
      'repositories.main.password.command',
    ],
    [
      'in an option of a command',
      service({ stop: ['stop', '--password=hunter2'] }),
      'services.api.stop',
    ],
    ['behind one', service({ stop: ['stop', '--api-key', 'hunter2'] }), 'services.api.stop'],
    ['in a header of a command', service({ start: ['curl', '-H', header] }), 'services.api.start'],
    ['in a script', service({ start: ['sh', '-c', 'TOKEN=hunter2 run'] }), 'services.api.start'],
    [
      'in the address of a check',
      check({ http: 'https://ada:hunter2@api/health' }),
      'services.api.checks.0.http',
    ],
    [
      'in a parameter of it',
      check({ http: 'https://api/health?access_token=hunter2' }),
      'services.api.checks.0.http',
    ],
    [
      'in a header of it',
      check({ http: 'https://api/', headers: { 'X-Whatever': 'hunter2' } }),
      'services.api.checks.0.headers.X-Whatever',
    ],
    [
      'in what it sends',
      check({ http: 'https://api/', send: { user: 'ada', pin: 'hunter2' } }),
      'services.api.checks.0.send.pin',
    ],
    [
      'in the address of a cache',
      check({ redis: 'redis://:hunter2@cache:6379/0' }),
      'services.api.checks.0.redis',
    ],
    [
      'in a query',
      check({ sql: "select dblink('host=x password=hunter2', '')", connection: 'postgres://db/x' }),
      'services.api.checks.0.sql',
    ],
    [
      'in a note to people',
      { recovery: { after: [{ name: 'n', manual: 'log in, the password is hunter2' }] } },
      'recovery.after.0.manual',
    ],
  ])('holds no secret that stands %s', (_, change, place) => {
    const { configuration, leftOut } = keep(change);
    expect(JSON.stringify(configuration)).not.toContain('hunter2');
    expect(leftOut).toEqual([place]);
    // It can be read again, and what would be used in that state is named.
    const again = parseConfiguration(configurationYaml(configuration), file, {});
    const isUsed = JSON.stringify(configuration).includes(notStored) && !place.endsWith('manual');
    expect(incompletePlaces(again.declared)).toEqual(isUsed ? [place] : []);
  });

  it('holds no secret that this process knows, wherever somebody put it', () => {
    rememberSecret('smuggled-7731');
    const secret = 'smuggled-7731';
    const { configuration, leftOut } = keep({
      name: `shop ${secret}`,
      scratch: `/tmp/${secret}`,
      recovery: { after: [{ name: secret, command: ['run', secret], isDone: [secret] }] },
      ...check({
        http: `https://api/${secret}`,
        json: { [secret]: 1 },
        contains: secret,
        headers: { [secret]: 'x', Accept: secret },
        send: { [secret]: { env: 'SHOP_TOKEN' }, user: 'env-secret-5512' },
      }),
    });
    const kept = JSON.stringify({ configuration, leftOut });
    expect(kept).not.toContain(secret);
    expect(kept).not.toContain('env-secret-5512');
    expect(leftOut).toHaveLength(12);
  });

  it('stays usable when a password is a word that stands everywhere', () => {
    for (const word of ['postgres', 'backup', 'shop', 'api']) rememberSecret(word);
    const { configuration, leftOut } = keep({
      repositories: { main: { location: '/var/backups/shop', password: { file: '/etc/backup' } } },
      sources: { shop: { kind: 'postgres', connection: 'postgres://postgres:postgres@db/shop' } },
      ...service({ stop: ['compose', 'stop', 'api'], start: ['login', '--user', 'backup.user'] }),
    });
    expect(leftOut).toEqual(['sources.shop.connection', 'services.api.stop']);
    expect(configuration).toMatchObject({
      repositories: { main: { location: '/var/backups/shop', password: { file: '/etc/backup' } } },
      sources: { shop: { connection: 'postgres://postgres@db/shop' } },
      services: { api: { stop: ['compose', 'stop', notStored] } },
    });
  });

  it('keeps what is no secret', () => {
    const { leftOut } = keep({
      ...service({
        stop: ['systemctl', 'stop', 'auth.service'],
        start: ['app', '--password-file', '/run/secrets/db', '--port', '80'],
        checks: [
          {
            http: 'https://api/login?next=/',
            headers: { Accept: 'application/json' },
            send: { username: 'ada', password: { env: 'X' } },
          },
          {
            sql: 'select count(*) from tokens',
            connection: 'postgres://api@db:5432,db2/shop?sslmode=require',
          },
        ],
      }),
    });
    expect(leftOut).toEqual([]);
  });
});

describe('an address', () => {
  it.each([
    ['postgres://u:p@ss/w@h/d', 'postgres://u@h/d'],
    [
      'postgres://u:p@h1:1,h2:2/d?application_name=a@b',
      'postgres://u@h1:1,h2:2/d?application_name=a@b',
    ],
    ['redis://:p@h/0', 'redis://h/0'],
    ['https://u:p/w@h/d', 'https://u@h/d'],
    ['postgres://u:p?w@h/d', 'postgres://u@h/d'],
    ['postgres://[::1]:5432,h:1/d?user=a@b', 'postgres://[::1]:5432,h:1/d?user=a@b'],
    ['rest:https://u:p@h/a@b/', 'rest:https://u@h/a@b/'],
    ['https://h/x?a=1&X-Amz-Signature=abc#f', 'https://h/x?a=1&X-Amz-Signature=NO#f'],
    ['/srv/a:b@c', '/srv/a:b@c'],
  ])('%s becomes %s', (given, expected) => {
    expect(addressWithoutSecrets(given, 'NO')).toBe(expected);
  });

  it('never keeps a password that was not encoded', () => {
    const password = fc
      .string({ minLength: 4, maxLength: 20 })
      .filter((each) => !/[?#\s]/.test(each));
    fc.assert(
      fc.property(password, (each) => {
        const safe = addressWithoutSecrets(`postgres://ada:<${each}>@db/shop`, 'NO');
        return safe === 'postgres://ada@db/shop';
      }),
    );
  });
});
