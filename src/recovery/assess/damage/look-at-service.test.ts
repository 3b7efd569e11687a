import { expect, it } from 'vitest';
import type { ServiceSetting } from '../../../config/index.ts';
import type { Platform, ServiceBaseline } from '../../../platforms/index.ts';
import type { StoredServiceBaselines } from '../../service-baseline/service-baseline-record.ts';
import { lookAtBaseline } from './look-at-service.ts';
import type { PartWork } from './part-runner.ts';

const service = { platform: 'docker', name: 'api', container: 'api' } as ServiceSetting;
const of = (image: string, token = 'a') => ({
  image,
  command: ['serve'],
  environment: { TOKEN: token },
  ports: [],
  files: {},
});

function recorded(
  day: number,
  baseline: ReturnType<typeof of>,
  salt = '00',
): StoredServiceBaselines {
  return {
    format: 1,
    id: `${day}`,
    time: new Date(Date.UTC(2026, 10, day)),
    salt: salt.repeat(16),
    services: { api: { platform: 'docker', baseline } },
  };
}

/** `runs`: what it is made of now. */
async function compare(
  records: readonly StoredServiceBaselines[],
  runs: ServiceBaseline,
  sinceDay: number,
) {
  const salts: string[] = [];
  const platform = {
    async baseline(_: ServiceSetting, salt: Uint8Array) {
      salts.push(Buffer.from(salt).toString('hex').slice(0, 2));
      return runs;
    },
  } as Pick<Platform, 'baseline'> as Platform;
  const gaps: string[] = [];
  const part: PartWork = {
    signal: new AbortController().signal,
    progress: () => {},
    gaps,
    leftMs: () => 1000,
  };
  const since = new Date(Date.UTC(2026, 10, sinceDay));
  const found = await lookAtBaseline(service, platform, { recorded: records, since }, part);
  return { found, gaps, salts };
}

it('lists what was deployed since, the newest first, and compares with what was there before', async () => {
  const records = [
    recorded(26, of('api:3', 'c'), '33'),
    recorded(25, of('api:3', 'b'), '22'),
    recorded(24, of('api:2', 'x'), '11'),
    recorded(23, of('api:1', 'x'), '00'),
    recorded(20, of('api:0')),
  ];
  const { found, gaps, salts } = await compare(records, of('api:3', 'x'), 23);
  expect(gaps).toEqual([]);
  expect(found.recordedAt).toBe('2026-11-23T00:00:00.000Z');
  // Its values are compared under the salt of that record.
  expect(salts).toEqual(['00']);
  expect(found.changes).toMatchObject([{ what: 'image', from: 'api:1', to: 'api:3' }]);
  expect(found.deployments).toMatchObject([
    {
      after: '2026-11-24T00:00:00.000Z',
      before: '2026-11-25T00:00:00.000Z',
      changes: [{ what: 'image', from: 'api:2', to: 'api:3' }],
    },
    {
      after: '2026-11-23T00:00:00.000Z',
      before: '2026-11-24T00:00:00.000Z',
      changes: [{ what: 'image', from: 'api:1', to: 'api:2' }],
    },
  ]);
});

it('takes hashes under different salts for no deployment, but a variable that came or went', async () => {
  const more = { ...of('api:1', 'b'), environment: { TOKEN: 'b', DEBUG: 'c' } };
  const records = [
    recorded(26, more, '11'),
    recorded(25, of('api:1', 'y'), '22'),
    recorded(24, of('api:1')),
  ];
  const { found } = await compare(records, of('api:1'), 24);
  expect(found.deployments.map(({ changes }) => changes)).toMatchObject([
    [{ what: 'variable', name: 'DEBUG', change: 'added' }],
  ]);
});

it('compares with the oldest where nothing is from before, and says where there is none', async () => {
  const { found } = await compare(
    [recorded(26, of('api:2')), recorded(25, of('api:1'))],
    of('api:2'),
    1,
  );
  expect(found).toMatchObject({
    recordedAt: '2026-11-25T00:00:00.000Z',
    changes: [{ what: 'image' }],
  });
  expect(found.deployments).toHaveLength(1);
  const none = await compare([], of('api:1'), 1);
  expect(none.found).toEqual({ changes: [], deployments: [] });
  expect(none.gaps).toEqual(['there is no recorded baseline: the next backup makes one']);
  expect(none.salts).toEqual([]);
});
