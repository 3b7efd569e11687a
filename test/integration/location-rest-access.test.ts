import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { initRepository, openLocation, openRepository } from '../../src/repository/index.ts';
import { startFaultyProxy } from '../support/faulty-http-proxy.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { startRestServer } from '../support/rest-server.ts';
import { need } from '../support/skip.ts';

// Who may reach a stock rest-server, and how: passwords, certificates, sockets, append-only.

const program = findProgram('rest-server');
const password = new Secret('of the repository');
const once = { attempts: 1 };
let folder: string;

beforeEach(() => {
  folder = temporaryFolder('rest-access');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('lets in who has the password, and shows it nowhere', async (context) => {
  const passwords = join(folder, 'htpasswd');
  const hash = createHash('sha1').update('hunter2').digest('base64');
  writeFileSync(passwords, `someone:{SHA}${hash}\n`);
  const options = { passwords };
  await using server = await startRestServer(
    need(context, program, 'no rest-server on PATH'),
    options,
  );
  const open = (pair: string) => openLocation(`rest:${server.url.replace('//', `//${pair}@`)}/x/`);
  const location = open('someone:hunter2');
  {
    await using repository = await initRepository({ location, password });
    expect(await repository.snapshots()).toEqual([]);
  }
  const refused = await open('someone:hunter3')
    .list('data')
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({
    code: 'location.refused',
    message: expect.stringContaining('401'),
    hint: 'Give the user name and password that the server wants.',
  });
  expect(inspect([refused, location], { depth: 9, showHidden: true })).not.toMatch(/hunter\d/);
  const environment = { RESTIC_REST_USERNAME: 'someone', RESTIC_REST_PASSWORD: 'hunter2' };
  const other = openLocation(`rest:${server.url}/x/`, { environment });
  await using again = await openRepository({ location: other, password });
  expect(await again.snapshots()).toEqual([]);
});

it('trusts the certificate authority it is given, and no other', async (context) => {
  const path = need(context, program, 'no rest-server on PATH');
  const openssl = need(context, findProgram('openssl'), 'no openssl on PATH');
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2';
  const names = ['-subj', '/CN=lifeboat-test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const words = [...request.split(' '), '-keyout', key, '-out', certificate, ...names];
  execFileSync(openssl, words, { stdio: 'ignore' });
  await using server = await startRestServer(path, { tls: { certificate, key } });
  const text = `rest:${server.url}/x/`;
  const location = openLocation(text, { environment: { RESTIC_CACERT: certificate } });
  {
    await using repository = await initRepository({ location, password });
    expect(await repository.snapshots()).toEqual([]);
  }
  await expect(openLocation(text, { environment: {} }).list('data')).rejects.toMatchObject({
    code: 'location.refused',
    message: expect.stringContaining('is not trusted'),
    hint: expect.stringContaining('RESTIC_CACERT'),
  });
  const absent = { environment: { RESTIC_CACERT: join(folder, 'absent.pem') } };
  expect(() => openLocation(text, absent)).toThrow('could not read the certificate authority');
});

it('reaches a server on a Unix socket', async (context) => {
  const socket = join(folder, 'rest.socket');
  await using _server = await startRestServer(need(context, program, 'no rest-server on PATH'), {
    socket,
  });
  const text = `rest:http+unix://${socket}:/x/`;
  const location = openLocation(text, { retry: once });
  {
    await using repository = await initRepository({ location, password });
    expect(await repository.snapshots()).toEqual([]);
  }
  expect(location.describe()).toBe(text);
  const restic = need(context, findProgram('restic-0.19'), 'no restic-0.19 on PATH');
  const stock = execFileSync(restic, ['--no-cache', '-r', text, 'cat', 'config'], {
    env: { ...process.env, RESTIC_PASSWORD: password.reveal() },
  });
  expect(stock.toString()).toContain('"version": 2');
});

it('says plainly that an append-only server lets nothing be removed', async (context) => {
  await using server = await startRestServer(need(context, program, 'no rest-server on PATH'), {
    appendOnly: true,
  });
  const location = openLocation(`rest:${server.url}/x/`);
  await location.create();
  const bytes = Buffer.from('a snapshot');
  const name = createHash('sha256').update(bytes).digest('hex');
  await location.write('snapshots', name, bytes);
  await expect(location.remove('snapshots', name)).rejects.toMatchObject({
    code: 'location.refused',
    message: expect.stringContaining('the server lets nothing be removed'),
    hint: expect.stringContaining('append-only'),
  });
});

it('goes through a proxy, but not for what is on this machine', async (context) => {
  await using server = await startRestServer(need(context, program, 'no rest-server on PATH'));
  // It knows only one host, whatever it is asked for.
  await using proxy = await startFaultyProxy(server.url);
  const environment = { HTTP_PROXY: proxy.url };
  const far = openLocation('rest:http://backup.test/x/', { environment });
  await far.create();
  expect(proxy.seen).toEqual(['POST http://backup.test/x/?create=true']);
  const near = openLocation(`rest:${server.url}/x/`, { environment });
  expect(await near.list('data')).toEqual([]);
  const excepted = { ...environment, NO_PROXY: 'backup.test' };
  const direct = openLocation('rest:http://backup.test/x/', { environment: excepted, retry: once });
  await expect(direct.list('data')).rejects.toMatchObject({ code: 'location.unreachable' });
  expect(proxy.seen).toHaveLength(1);
  await far.close?.();
});
