import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { seal } from '../../src/repository/crypto/envelope.ts';
import { keyFromBytes } from '../../src/repository/crypto/key-derivation.ts';
import { applyRules, type DatedSnapshot } from '../../src/repository/forget/apply-rules.ts';
import { parseRetentionDuration } from '../../src/repository/forget/retention-duration.ts';
import type { RetentionPolicy } from '../../src/repository/forget/retention-policy.ts';
import { parseWrittenTime } from '../../src/repository/forget/written-time.ts';
import { encodeConfig } from '../../src/repository/format/config-file.ts';
import { randomIrreduciblePolynomial } from '../../src/repository/format/irreducible-polynomial.ts';
import { encodeKeyFile } from '../../src/repository/format/key-file.ts';
import { LocalLocation, type SnapshotId } from '../../src/repository/index.ts';
import { type RepositoryAccess, writeStoredJson } from '../../src/repository/stored-file.ts';
import { fuzzRuns } from '../support/fuzz.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { need } from '../support/skip.ts';

const password = 'geheim';
const seed = Number(process.env.LIFEBOAT_TEST_SEED ?? 20261125);
const [setCount, policyCount] = [80, Math.min(200, fuzzRuns(16))];

interface Stored {
  readonly id: SnapshotId;
  readonly host: string;
  readonly time: string;
  readonly tags: readonly string[];
}

const spanText = fc
  .record({
    y: fc.integer({ min: 0, max: 2 }),
    m: fc.integer({ min: 0, max: 14 }),
    d: fc.integer({ min: 0, max: 40 }),
    h: fc.integer({ min: 0, max: 60 }),
  })
  .filter(({ y, m, d, h }) => y + m + d + h > 0)
  .map(({ y, m, d, h }) => `${y}y${m}m${d}d${h}h`);

const zones = ['Z', '+01:00', '+02:00', '-05:00', '+05:45', '-09:30', '+14:00', '-12:00'];

/** Where clocks are changed, years and ISO weeks begin, months have odd lengths; and some days before and after now. */
const corners = [
  '2026-03-29T01:00:00Z',
  '2026-10-25T01:00:00Z',
  '2025-10-26T00:30:00Z',
  '2027-01-01T00:00:00Z',
  '2025-12-29T00:00:00Z',
  '2024-02-29T12:00:00Z',
  '2024-12-31T23:59:59Z',
  '2020-12-31T23:00:00Z',
  '1970-01-01T00:00:00Z',
].map((text) => Date.parse(text));

const moment = fc.oneof(
  fc
    .tuple(fc.constantFrom(...corners), fc.integer({ min: -200, max: 200 }))
    .map(([corner, quarters]) => corner + quarters * 900_000),
  fc.integer({ min: -3000, max: 60 }).map((hours) => Date.now() + hours * 3_600_000),
  fc.integer({ min: -900, max: 3 }).map((days) => Date.now() + days * 86_400_000),
);

const written = fc
  .record({
    ms: moment,
    zone: fc.constantFrom(...zones),
    fraction: fc.constantFrom('', '.5', '.000000001', '.123456789'),
  })
  .map(({ ms, zone, fraction }) => {
    const offset =
      zone === 'Z'
        ? 0
        : Date.parse('2000-01-01T00:00:00Z') - Date.parse(`2000-01-01T00:00:00${zone}`);
    return `${new Date(ms + offset).toISOString().slice(0, 19)}${fraction}${zone}`;
  });

const snapshotSet = fc
  .array(fc.record({ time: written, tags: fc.subarray(['a', 'b', 'c']) }), {
    minLength: 1,
    maxLength: 14,
  })
  .chain((all) =>
    fc
      .tuple(written, fc.subarray(all, { maxLength: Math.min(2, all.length) }))
      .map(([anchor, twins]) => [
        ...all,
        // Two that were made at the same moment.
        ...twins.map(({ time }) => ({ time, tags: ['twin'] })),
        // restic refuses to remove a whole group: one that every list of tags keeps.
        { time: anchor, tags: ['a', 'b', 'c'] },
      ]),
  );

const count = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 6 }) },
  { weight: 1, arbitrary: fc.constant('unlimited' as const) },
);
const span = fc.option(spanText, { nil: undefined, freq: 2 });
const policies = fc
  .record({
    last: count,
    hourly: count,
    daily: count,
    weekly: count,
    monthly: count,
    yearly: count,
    within: span,
    withinHourly: span,
    withinDaily: span,
    withinWeekly: span,
    withinMonthly: span,
    withinYearly: span,
    tags: fc.option(
      fc.array(fc.subarray(['a', 'b', 'c'], { minLength: 1 }), { minLength: 1, maxLength: 2 }),
      {
        nil: undefined,
      },
    ),
  })
  // Few rules at a time, so that what one keeps is not hidden by the others.
  .chain((all) => {
    const given = Object.entries(all).filter(([, value]) => value !== undefined);
    return fc
      .subarray(given, {
        minLength: Math.min(1, given.length),
        maxLength: Math.min(3, given.length),
      })
      .map((entries) => Object.fromEntries(entries) as Partial<typeof all>);
  })
  .filter((policy) => Object.keys(policy).length > 0);

/** A newest one by the local clock, and many around where the span ends: on the other side of a change of the clocks, or in it. */
function aroundChange(latest: string, days: number) {
  const end = Date.parse(latest) - days * 86_400_000;
  const times = Array.from({ length: 19 }, (_, at) => new Date(end + (at - 9) * 1_200_000));
  return [latest, ...times.map((time) => time.toISOString())].map((time) => ({ time, tags: [] }));
}
const changes = [
  { days: 12, set: aroundChange('2025-11-01T12:00:00+01:00', 12) },
  { days: 10, set: aroundChange('2026-04-05T09:00:00+02:00', 10) },
  { days: 4, set: aroundChange('2026-04-02T02:30:00+02:00', 4) },
  { days: 7, set: aroundChange('2025-11-02T02:30:00+01:00', 7) },
];

type TextPolicy = Partial<
  Record<string, number | string | readonly (readonly string[])[] | undefined>
>;

function flagsOf(policy: TextPolicy): string[] {
  return Object.entries(policy).flatMap(([name, value]) => {
    if (name === 'tags') {
      return (value as readonly (readonly string[])[]).flatMap((tags) => [
        '--keep-tag',
        tags.join(','),
      ]);
    }
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return [`--keep-${flag}`, String(value)];
  });
}

function ourPolicy(policy: TextPolicy): RetentionPolicy {
  return Object.fromEntries(
    Object.entries(policy).map(([name, value]) => [
      name,
      name.startsWith('within') ? parseRetentionDuration(value as string) : value,
    ]),
  );
}

describe('retention keeps exactly what restic keeps', () => {
  const formerZone = process.env.TZ;
  let folder: string;
  let sets: readonly (readonly Stored[])[];

  beforeAll(async () => {
    // A zone whose clocks are changed.
    process.env.TZ = 'Europe/Berlin';
    folder = temporaryFolder('forget-policy');
    const access = await bareRepository(folder);
    const samples = [
      ...fc.sample(snapshotSet, { numRuns: setCount, seed }),
      ...changes.map(({ set }) => set),
    ];
    sets = await Promise.all(
      samples.map((set, number) =>
        Promise.all(set.map((each) => store(access, `h${number}`, each))),
      ),
    );
  }, 60_000);
  afterAll(() => {
    if (formerZone === undefined) delete process.env.TZ;
    else process.env.TZ = formerZone;
    rmSync(folder, { recursive: true, force: true });
  });

  it(`${setCount} sets of snapshots under ${policyCount} policies`, {
    timeout: 600_000,
  }, (context) => {
    const restic = need(context, findProgram('restic-0.19'), 'no restic-0.19 on PATH');
    expect(new Date('2026-07-01T12:00:00Z').getHours()).toBe(14);
    for (const policy of [
      ...fc.sample(policies, { numRuns: policyCount, seed }),
      ...changes.map(({ days }) => ({ within: `${days}d` })),
    ]) {
      const flags = flagsOf(policy);
      const theirs = resticKeeps(restic, folder, flags);
      for (const set of sets) {
        const kept = set.filter(({ id }) => theirs.has(id)).map(({ id }) => id);
        const possible = orders(set).map((order) => keptOf(order, ourPolicy(policy)));
        const about = `${flags.join(' ')} on\n${set.map(({ time, tags, id }) => `${time} ${tags} ${theirs.has(id) ? 'kept' : 'removed'}`).join('\n')}`;
        expect(possible, about).toContain(kept.toSorted().join(' '));
      }
    }
  });
});

/** Every order of those made at the same moment: restic leaves it to chance. Newest first. */
function orders(set: readonly Stored[]): readonly (readonly DatedSnapshot[])[] {
  const all = set.map(({ id, tags, time }) => {
    const written = parseWrittenTime(time);
    if (written === undefined) throw new Error(`no time: ${time}`);
    return { id, tags, written };
  });
  const groups = [...Map.groupBy(all, ({ written }) => written.ns)]
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .map(([, same]) => permutations(same));
  return groups.reduce<DatedSnapshot[][]>(
    (before, choices) => before.flatMap((begin) => choices.map((choice) => [...begin, ...choice])),
    [[]],
  );
}

function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((first, at) =>
    permutations(items.toSpliced(at, 1)).map((rest) => [first, ...rest]),
  );
}

function keptOf(order: readonly DatedSnapshot[], policy: RetentionPolicy): string {
  const verdicts = applyRules(order, policy, BigInt(Date.now()) * 1_000_000n);
  return order
    .filter((_, index) => (verdicts[index]?.keeps.length ?? 0) > 0)
    .map(({ id }) => id)
    .toSorted()
    .join(' ');
}

function resticKeeps(restic: string, folder: string, flags: readonly string[]): Set<string> {
  const args = [
    'forget',
    '--dry-run',
    '--json',
    '--no-cache',
    '--group-by',
    'host',
    '--unsafe-allow-remove-all',
  ];
  const environment = {
    ...process.env,
    RESTIC_PASSWORD: password,
    RESTIC_REPOSITORY: join(folder, 'r'),
  };
  const done = spawnSync(restic, [...args, ...flags], {
    env: environment,
    encoding: 'utf8',
    maxBuffer: 512 * 1024 * 1024,
  });
  expect(done.status, done.stderr).toBe(0);
  const groups = JSON.parse(done.stdout) as { keep: { id: string }[] | null }[];
  return new Set(groups.flatMap(({ keep }) => (keep ?? []).map(({ id }) => id)));
}

async function bareRepository(folder: string): Promise<RepositoryAccess> {
  const location = new LocalLocation(join(folder, 'r'));
  await location.create();
  const masterKey = keyFromBytes(randomBytes(64));
  const key = Buffer.from(await encodeKeyFile(masterKey, new Secret(password)));
  await location.write('keys', createHash('sha256').update(key).digest('hex'), key);
  const config = {
    version: 2,
    id: randomBytes(32).toString('hex'),
    chunkerPolynomial: randomIrreduciblePolynomial(),
  } as const;
  await location.write('config', 'config', seal(masterKey, Buffer.from(encodeConfig(config))));
  return { location, masterKey, version: 2 };
}

/** Only the snapshot file: what it refers to is not looked at by `forget`. */
async function store(
  access: RepositoryAccess,
  host: string,
  { time, tags }: { readonly time: string; readonly tags: readonly string[] },
): Promise<Stored> {
  const tree = randomBytes(32).toString('hex');
  const json = JSON.stringify({ time, tree, paths: ['/x'], hostname: host, tags });
  const id = (await writeStoredJson(access, 'snapshots', json)) as SnapshotId;
  return { id, host, time, tags };
}
