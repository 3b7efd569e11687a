import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Configuration, ServiceSetting } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import type { Platform, ServiceBaseline } from '../../platforms/index.ts';
import type { LifeboatRecord } from '../../repository/index.ts';
import { recordServiceBaselines } from './record-service-baselines.ts';
import { listServiceBaselines, serviceBaselineKind } from './service-baseline-record.ts';

const service = (name: string, writes: string[]): ServiceSetting => ({
  name,
  platform: 'systemd',
  unit: `${name}.service`,
  writes,
});

const sources = {
  shop: { kind: 'postgres', repository: 'main', connection: '', service: 'db' },
  other: { kind: 'files', repository: 'main', paths: ['/x'] },
} as unknown as Configuration['sources'];

/** Services whose one variable has a value, but for `broken`, whose platform does not answer. */
const platforms = {
  of: () =>
    ({
      baseline: async ({ name }: ServiceSetting, salt: Uint8Array): Promise<ServiceBaseline> => {
        if (name === 'broken') throw new LifeboatError('platform.timeout', 'no answer');
        const hash = createHmac('sha256', salt).update('geheim').digest('hex');
        return { command: ['run', name], environment: { KEY: hash }, ports: [], files: {} };
      },
    }) as unknown as Platform,
};

function store(failure?: Error) {
  const records: LifeboatRecord[] = [];
  return {
    records: {
      append: async (record: { kind: string; source: string; body: unknown }) => {
        if (failure) throw failure;
        const body = JSON.parse(JSON.stringify(record.body));
        const stored = { ...record, body, time: new Date(records.length) };
        records.push(stored as LifeboatRecord);
        return stored as LifeboatRecord;
      },
      list: async () => records,
      writers: async () => [],
    },
  };
}

async function record(services: readonly ServiceSetting[], repository = store()) {
  const warnings: string[] = [];
  const count = await recordServiceBaselines({
    configuration: { services, sources },
    platforms,
    repository,
    source: 'shop',
    snapshot: 'ab12',
    progress: (event) => event.type === 'warning' && warnings.push(event.message),
  });
  return { count, warnings, stored: await listServiceBaselines(repository, 'shop') };
}

it('records the services that write to the source, each time under another salt', async () => {
  const repository = store();
  const services = [service('api', ['shop']), service('mail', ['other'])];
  await record(services, repository);
  const { count, warnings, stored } = await record(services, repository);
  expect({ count, warnings }).toEqual({ count: 1, warnings: [] });
  expect(stored).toMatchObject([
    { snapshot: 'ab12', services: { api: { platform: 'systemd' } } },
    { snapshot: 'ab12', services: { api: { baseline: { command: ['run', 'api'] } } } },
  ]);
  const [newer, older] = stored;
  expect(newer?.salt).not.toBe(older?.salt);
  expect(newer?.services.api?.baseline.environment.KEY).not.toBe(
    older?.services.api?.baseline.environment.KEY,
  );
  expect(JSON.stringify(stored)).not.toContain('geheim');
  expect(newer?.time.getTime()).toBeGreaterThan(older?.time.getTime() as number);
});

it('records the server of the source, and what writes nowhere', async () => {
  const services = [service('db', []), service('web', []), service('mail', ['other'])];
  const { stored } = await record(services);
  expect(Object.keys(stored[0]?.services ?? {})).toEqual(['db', 'web']);
});

it('a platform that does not answer is a warning, and the others are recorded', async () => {
  const { count, warnings, stored } = await record([
    service('broken', ['shop']),
    service('api', ['shop']),
  ]);
  expect(count).toBe(1);
  expect(warnings).toEqual(['what the service broken is made of was not recorded: no answer']);
  expect(stored).toMatchObject([{ services: { api: {} }, unread: { broken: 'no answer' } }]);
});

it('a repository that takes no record is a warning', async () => {
  const failing = store(new LifeboatError('disk.full', 'no room'));
  const { count, warnings } = await record([service('api', ['shop'])], failing);
  expect(count).toBe(0);
  expect(warnings).toEqual(['what the services are made of was not recorded: no room']);
});

it('nothing is recorded of a source that no service writes to, and nothing read that is not ours', async () => {
  const repository = store();
  const { count, stored } = await record([service('mail', ['other'])], repository);
  expect({ count, stored }).toEqual({ count: 0, stored: [] });
  await repository.records.append({ kind: serviceBaselineKind, source: 'shop', body: { salt: 1 } });
  expect(await listServiceBaselines(repository, 'shop')).toEqual([]);
});

it('an end that was asked for is no failure of the service', async () => {
  const repository = store();
  const warnings: string[] = [];
  const count = await recordServiceBaselines({
    configuration: { services: [service('broken', ['shop'])], sources },
    platforms,
    repository,
    source: 'shop',
    snapshot: 'ab12',
    signal: AbortSignal.abort(),
    progress: (event) => event.type === 'warning' && warnings.push(event.message),
  });
  expect({ count, warnings }).toEqual({ count: 0, warnings: [] });
  expect(await listServiceBaselines(repository, 'shop')).toEqual([]);
});
