import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBaseline } from './compare-baseline.ts';
import { hashEnvironment } from './hash-environment.ts';
import type { ServiceBaseline } from './service-baseline.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const salt = new Uint8Array(32).fill(1);
const good: ServiceBaseline = {
  image: 'shop-api:1.4',
  imageDigest: digest('a'),
  command: ['node', 'api.js'],
  environment: hashEnvironment(['DATABASE_URL=first-9c', 'MODE=live'], salt),
  ports: ['8001/tcp -> 127.0.0.1:8001'],
  files: { '/srv/compose.yaml': 'aa', '/srv/override.yaml': 'bb' },
};

function texts(now: Partial<ServiceBaseline>): readonly string[] {
  return compareBaseline(good, { ...good, ...now }).map(({ text }) => text);
}

describe('comparing service baselines', () => {
  it('says nothing of what is the same', () => {
    expect(texts({})).toEqual([]);
    expect(texts({ ports: [...good.ports], files: { ...good.files } })).toEqual([]);
  });

  it('tells another image from other content under the same name', () => {
    expect(texts({ image: 'shop-api:1.5', imageDigest: digest('b') })).toEqual([
      'the image is shop-api:1.5 (sha256:bbbbbbbbbbbb), it was shop-api:1.4 (sha256:aaaaaaaaaaaa)',
    ]);
    expect(texts({ imageDigest: digest('b') })).toEqual([
      'the image shop-api:1.4 has other content: sha256:bbbbbbbbbbbb, it was sha256:aaaaaaaaaaaa',
    ]);
    const { image: _, imageDigest: __, ...none } = good;
    expect(compareBaseline(good, none).map(({ change }) => change)).toEqual(['removed']);
    expect(compareBaseline(none, good).map(({ change }) => change)).toEqual(['added']);
  });

  it('names variables that came, went and have another value, and never the value', () => {
    const environment = hashEnvironment(['DATABASE_URL=second-9c', 'DEBUG=1'], salt);
    const differences = compareBaseline(good, { ...good, environment });
    expect(differences.map(({ text }) => text)).toEqual([
      'the variable DATABASE_URL has another value',
      'the variable DEBUG was added',
      'the variable MODE is gone',
    ]);
    expect(JSON.stringify(differences)).not.toMatch(/9c|live/);
  });

  it('names command, ports and files', () => {
    expect(
      texts({
        command: ['node', 'api.js', '--debug'],
        ports: ['8001/tcp -> 0.0.0.0:8001'],
        files: { '/srv/compose.yaml': 'cc' },
      }),
    ).toEqual([
      'the command is ["node","api.js","--debug"], it was ["node","api.js"]',
      'the port 8001/tcp -> 127.0.0.1:8001 is not published any more',
      'the port 8001/tcp -> 0.0.0.0:8001 is published now',
      'the file /srv/compose.yaml has other content',
      'the file /srv/override.yaml is gone',
    ]);
  });

  const hashes = fc.dictionary(
    fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('__proto__', 'constructor', 'toString')),
    fc.constantFrom('1', '2', '3'),
    { noNullPrototype: true },
  );
  const baseline: fc.Arbitrary<ServiceBaseline> = fc.record({
    image: fc.constantFrom('a', 'b'),
    imageDigest: fc.constantFrom(digest('a'), digest('b')),
    command: fc.array(fc.string(), { maxLength: 3 }),
    environment: hashes,
    ports: fc.uniqueArray(fc.constantFrom('80', '81', '82')),
    files: hashes,
  });
  /** Without the order of ports, which means nothing. */
  const canonical = (each: ServiceBaseline) => ({ ...each, ports: [...each.ports].sort() });

  it('finds something exactly where two are not the same, and the opposite the other way round', () => {
    fc.assert(
      fc.property(baseline, baseline, (one, other) => {
        const [there, back] = [compareBaseline(one, other), compareBaseline(other, one)];
        expect(compareBaseline(one, one)).toEqual([]);
        const opposite = { added: 'removed', removed: 'added', changed: 'changed' } as const;
        const key = (what: string, name: string | undefined, change: string) =>
          `${what} ${name} ${change}`;
        expect(there.map((each) => key(each.what, each.name, each.change)).sort()).toEqual(
          back.map((each) => key(each.what, each.name, opposite[each.change])).sort(),
        );
        expect(there.length === 0).toBe(isDeepStrictEqual(canonical(one), canonical(other)));
      }),
    );
  });
});
