import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLifeboatError } from '../core/index.ts';
import { retentionOf } from './configuration.ts';
import { parseConfiguration } from './load.ts';

const environment = { HOME: '/home/ada' };
const file = '/etc/lifeboat/lifeboat.yaml';
const good = `
name: shop
repositories:
  main: { location: backups, password: { file: ~/password } }
sources:
  database:
    kind: postgres
    connection: postgres://lifeboat@db:5432/shop
`;

function problem(text: string): string {
  try {
    parseConfiguration(text, file, environment);
  } catch (error) {
    if (isLifeboatError(error, 'config.invalid')) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('a configuration', () => {
  it('gets absolute paths and defaults', () => {
    const configuration = parseConfiguration(`${good}spool: { limit: 2 GiB }\n`, file, environment);
    expect(configuration.repositories.main).toEqual({
      location: '/etc/lifeboat/backups',
      password: { file: '/home/ada/password' },
    });
    expect(configuration.sources.database?.repository).toBe('main');
    expect(configuration.spoolLimitBytes).toBe(2 * 2 ** 30);
  });

  it('gets them wherever the schema has a path: in grounds, services, checks', () => {
    const text = `${good}    local: auto
    ground: { kind: server, connection: "postgres://h/d", password: { file: ground } }
services:
  api:
    platform: docker
    compose: { files: [compose.yml], service: api }
    checks: [{ http: "https://api/", ca: ca.pem, headers: { X-Key: { file: key } } }]
`;
    const { sources, services } = parseConfiguration(text, file, environment);
    expect(sources.database).toMatchObject({
      local: 'auto',
      ground: { password: { file: '/etc/lifeboat/ground' } },
    });
    expect(services[0]).toMatchObject({
      compose: { files: ['/etc/lifeboat/compose.yml'] },
      checks: [{ ca: '/etc/lifeboat/ca.pem', headers: { 'X-Key': { file: '/etc/lifeboat/key' } } }],
    });
  });

  it.each([
    [
      'kind: postgres',
      'kind: oracle',
      'sources.database.kind: expected "postgres", "postgres-dump", "files" or "volume", got "oracle"',
    ],
    [
      '    connection: postgres://lifeboat@db:5432/shop\n',
      '',
      'sources.database.connection: expected string, got nothing',
    ],
    [
      'sources:',
      'sources:\n  uploads: { kind: volume, volume: shop_uploads, subfolder: ../other }',
      'sources.uploads.subfolder: expected a folder relative to the root of the volume, got "../other"',
    ],
    ['name: shop', 'name: shop\ncolour: red', 'the file: there is no option "colour"'],
    [
      'kind: postgres',
      'kind: postgres\n    slott: x',
      'sources.database: there is no option "slott"',
    ],
    [
      '{ file: ~/password }',
      'hunter2',
      'repositories.main.password: expected exactly one of { file: PATH }, { env: NAME }, { command: [PROGRAM, ...] }, { prompt: true }, got something else',
    ],
    [
      'kind: postgres',
      'kind: postgres\n    repository: moon',
      'sources.database.repository: expected one of main, got "moon"',
    ],
    [
      'name: shop',
      'name: shop\nspool: { limit: much }',
      'spool.limit: expected a size such as "20 GiB", got "much"',
    ],
    ['name: shop', 'name: [', 'line 3, column 1:'],
    [
      '  database:',
      '  Data Base:',
      'sources.Data Base: expected a name of small letters, digits, - and _',
    ],
  ])('with %j made %j says what is wrong', (part, changed, expected) => {
    expect(good).toContain(part);
    expect(problem(good.replace(part, changed))).toContain(`${file}: ${expected}`);
  });

  const copies = `
name: shop
repositories:
  main: { location: backups, password: { env: P }, prune: '0 3 * * 0' }
  offsite:
    location: 's3:https://s3.example.com/dr'
    password: { env: Q }
    copyFrom: main
    copySchedule: '30 4 * * *'
    lock: 30d
    upload: 10 MiB
    retention: { monthly: 12 }
sources:
  uploads:
    kind: files
    paths: [/srv/uploads, ~/photos, here]
    excludeFiles: [exclude.txt]
    largerThan: 2 GiB
    retention: { daily: 7, within: 14d }
  other: { kind: files, paths: [/x] }
retention: { daily: 30, yearly: unlimited }
check: '0 5 * * *'
`;

  it('takes files, copies, object lock, limits and schedules', () => {
    const { repositories, sources } = parseConfiguration(copies, file, environment);
    expect(repositories.offsite).toMatchObject({
      location: 's3:https://s3.example.com/dr',
      copyFrom: 'main',
      copySchedule: '30 4 * * *',
      lock: { durationMs: 30 * 86_400_000, mode: 'compliance' },
      uploadBytesPerSecond: 10 * 2 ** 20,
      check: '0 5 * * *',
    });
    expect(repositories.main).toMatchObject({ prune: '0 3 * * 0' });
    expect(repositories.offsite).not.toHaveProperty('prune');
    // Sources go to the repository that is no copy.
    expect(sources.uploads).toEqual({
      kind: 'files',
      paths: ['/srv/uploads', '/home/ada/photos', '/etc/lifeboat/here'],
      excludeFiles: ['/etc/lifeboat/exclude.txt'],
      largerThanBytes: 2 * 2 ** 30,
      retention: { daily: 7, within: '14d' },
      repository: 'main',
    });
  });

  it('says which snapshots stay where', () => {
    const configuration = parseConfiguration(copies, file, environment);
    expect(retentionOf(configuration, 'uploads', 'main')).toEqual({ daily: 7, within: '14d' });
    expect(retentionOf(configuration, 'uploads', 'offsite')).toEqual({ monthly: 12 });
    expect(retentionOf(configuration, 'other', 'main')).toMatchObject({ daily: 30 });
  });

  it.each([
    ['copyFrom: main', 'copyFrom: moon', 'repositories.offsite.copyFrom: expected one of'],
    ['copyFrom: main', 'copyFrom: offsite', 'repositories.offsite.copyFrom: expected no circle'],
    ['    copyFrom: main\n', '', 'repositories.offsite.copyFrom: expected one of main, offsite'],
    ['lock: 30d', 'lock: soon', 'repositories.offsite.lock: expected a span of time'],
    ['monthly: 12', 'monthly: -1', 'repositories.offsite.retention.monthly: expected'],
    ['monthly: 12', 'minimum: 5', 'repositories.offsite.retention: expected at least one rule'],
    ['monthly: 12', 'weeks: 1', 'repositories.offsite.retention: there is no option "weeks"'],
    ['within: 14d', 'within: 14 days', 'sources.uploads.retention.within: expected years, months'],
    ['paths: [/x]', 'paths: []', 'sources.other.paths: expected something that is not empty'],
    ['paths: [/x]', 'slot: x', 'sources.other.paths: expected array, got nothing'],
  ])('of copies, with %j made %j, says what is wrong', (part, changed, expected) => {
    expect(copies).toContain(part);
    expect(problem(copies.replace(part, changed))).toContain(`${file}: ${expected}`);
  });

  it('knows the service that is a server, and no other', () => {
    const served = `${good}services:
  postgres: { platform: systemd, unit: postgresql.service }
`.replace('kind: postgres\n', 'kind: postgres\n    service: postgres\n');
    expect(parseConfiguration(served, file, environment).sources.database).toMatchObject({
      service: 'postgres',
    });
    expect(problem(served.replace('service: postgres', 'service: moon'))).toContain(
      'sources.database.service: expected one of postgres, got "moon"',
    );
  });

  it('never shows a password that stands in the wrong place', () => {
    expect(problem(good.replace('{ file: ~/password }', 'hunter2'))).not.toContain('hunter2');
    expect(problem(good.replace('postgres://lifeboat@', 'pgsql://x:hunter2@'))).not.toContain(
      'hunter2',
    );
  });

  it('fails cleanly whatever the file holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(typeof problem(text)).toBe('string');
      }),
      { numRuns: 300 },
    );
  });

  it('is refused when it expands without end', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((each, at) => `${each}: &${each} [${Array(9).fill(`*${'abcdefgh'[at]}`).join(',')}]`).join('\n')}\n`;
    expect(problem(bomb)).toContain('alias count');
    expect(problem('name: *nothing')).toContain('nothing');
  });
});
