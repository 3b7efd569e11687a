import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { openLocation } from '../open-location.ts';
import { parseS3Address } from './s3-address.ts';

const base = {
  endpoint: undefined,
  region: undefined,
  pathStyle: false,
  anonymous: false,
  profile: undefined,
  versionsAt: undefined,
};

it.each([
  ['s3:bucket', { bucket: 'bucket', prefix: '' }],
  ['s3:bucket/a/b/', { bucket: 'bucket', prefix: 'a/b' }],
  ['s3:my.bucket', { bucket: 'my.bucket', prefix: '', pathStyle: true }],
  ['s3:s3.amazonaws.com/bucket/x', { bucket: 'bucket', prefix: 'x' }],
  ['s3://s3.amazonaws.com/bucket', { bucket: 'bucket', prefix: '' }],
  ['s3:s3.eu-west-1.amazonaws.com/bucket', { bucket: 'bucket', prefix: '', region: 'eu-west-1' }],
  [
    's3:https://s3.dualstack.eu-west-1.amazonaws.com/bucket',
    { bucket: 'bucket', prefix: '', region: 'eu-west-1' },
  ],
  [
    's3:http://127.0.0.1:9000/bucket//x/',
    { endpoint: 'http://127.0.0.1:9000', bucket: 'bucket', prefix: 'x', pathStyle: true },
  ],
  [
    's3:localhost:9000/bucket',
    { endpoint: 'https://localhost:9000', bucket: 'bucket', prefix: '', pathStyle: true },
  ],
  [
    's3:https://s3.example.com/dr?region=eu&path-style=false&anonymous=true&profile=p',
    {
      endpoint: 'https://s3.example.com',
      bucket: 'dr',
      prefix: '',
      region: 'eu',
      anonymous: true,
      profile: 'p',
    },
  ],
  [
    's3:bucket/x?versions=2026-11-20T00:00:00Z',
    { bucket: 'bucket', prefix: 'x', versionsAt: new Date('2026-11-20T00:00:00Z') },
  ],
])('reads %s', (text, wanted) => {
  expect(parseS3Address(text, {})).toEqual({ ...base, ...wanted });
});

it('takes the path style for an endpoint of the environment', () => {
  const environment = { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9000' };
  expect(parseS3Address('s3:bucket', environment).pathStyle).toBe(true);
});

it.each([
  's3:',
  's3:https://host',
  's3:host.example/',
  's3:https://key:secret@host/bucket',
  's3:key:secret@host/bucket',
  's3:bucket/a/../b',
  's3:bucket?secret=hunter2',
  's3:bucket?anonymous=maybe',
  's3:bucket?versions=yesterday',
  's3:https://host:99999/bucket',
])('refuses %s and does not repeat it', (text) => {
  try {
    openLocation(text);
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ code: 'usage.invalid' });
    expect(inspect(error, { depth: 9 })).not.toMatch(/hunter2|secret@/);
  }
});

it('says where it is', () => {
  const describe = (text: string) => openLocation(text).describe();
  expect(describe('s3:bucket/x?region=eu')).toBe('s3:s3.amazonaws.com/bucket/x');
  expect(describe('s3:http://127.0.0.1:9000/b/x/')).toBe('s3:http://127.0.0.1:9000/b/x');
  expect(describe('s3:b/x?versions=2026-11-20')).toMatch(/\?versions=2026-11-20T00:00:00.000Z$/);
});

it('is the only place that takes a lock', () => {
  const lock = { durationMs: 86_400_000, mode: 'compliance' as const };
  expect(openLocation('s3:bucket', { lock }).objectLock?.promise).toEqual({
    periodMs: 86_400_000,
    mode: 'compliance',
  });
  expect(openLocation('s3:bucket').objectLock).toBeUndefined();
  for (const text of ['/tmp/x', 'rest:http://host/']) {
    expect(() => openLocation(text, { lock })).toThrow('cannot be locked');
  }
});
