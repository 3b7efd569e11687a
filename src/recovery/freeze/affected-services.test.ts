import { describe, expect, it } from 'vitest';
import { parseConfiguration } from '../../config/index.ts';
import { affectedServices } from './affected-services.ts';

const configuration = parseConfiguration(
  `name: test
repositories: { main: { location: /r, password: { env: P } } }
sources:
  database: { kind: postgres, connection: "postgres://a@b/c", service: server }
  uploads: { kind: files, paths: [/u] }
services:
  worker: { platform: systemd, unit: worker, after: [api] }
  api: { platform: systemd, unit: api, writes: [database, uploads], after: [server, cache] }
  cache: { platform: systemd, unit: cache }
  server: { platform: systemd, unit: server, writes: [database] }
  mail: { platform: systemd, unit: mail, writes: [uploads] }
`,
  '/etc/lifeboat.yaml',
  {},
);
const stopped = (...sources: string[]) =>
  affectedServices(configuration, sources).map(({ service, sources: reasons }) => [
    service.name,
    ...reasons,
  ]);

describe('the services of a freeze', () => {
  it('are those that write and those that need them, each before those it needs; never the server itself', () => {
    expect(stopped('database')).toEqual([
      ['worker', 'database'],
      ['api', 'database'],
    ]);
    expect(stopped('database', 'uploads')).toEqual([
      ['mail', 'uploads'],
      ['worker', 'database', 'uploads'],
      ['api', 'database', 'uploads'],
    ]);
    expect(stopped()).toEqual([]);
  });
});
