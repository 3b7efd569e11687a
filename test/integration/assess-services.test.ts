// What `assess` says of services against what they were made of at the last backup, and what an incident gets of a report.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { attachmentOf, openIncidents } from '../../src/incidents/index.ts';
import { type DamageReport, foundOf } from '../../src/recovery/index.ts';
import { assessStep } from '../../src/recovery/steps/kinds/assess.ts';
import { createSource } from '../../src/sources/index.ts';
import { dockerUnderTest } from '../support/docker.ts';
import { filesInstallation } from '../support/files-installation.ts';
import { memoryRepository } from '../support/memory-repository.ts';
import { stepContext } from '../support/step-context.ts';

const reportIn = (records: readonly Record<string, unknown>[]) =>
  records.find(({ type }) => type === 'damage-report') as unknown as DamageReport;

test('a container is told to be another after a deployment, with what is another about it', async (context) => {
  await using engine = await dockerUnderTest(context, 'assess');
  const { docker, image, prefix } = engine;
  const name = `${prefix}-api`;
  const start = (variable: string, ...command: string[]) =>
    docker('run', '--detach', '--name', name, '--env', variable, image, ...command);
  await start('TOKEN=first-secret', 'sleep', '1000');
  await using own = await filesInstallation(
    'docs',
    `services:
  api: { platform: docker, container: ${name}, writes: [docs] }
`,
  );
  writeFileSync(join(own.source, 'one'), 'x');
  expect((await own.run('backup', 'docs')).exitCode).toBe(0);
  const backedUp = new Date().toISOString();
  const before = await own.run('assess', '--since', backedUp);
  expect(before.exitCode).toBe(0);
  expect(reportIn(before.records).services).toMatchObject([
    {
      name: 'api',
      state: { looked: true, found: { status: 'running' } },
      baseline: { looked: true, found: { recordedAt: expect.any(String), changes: [] } },
    },
  ]);

  await docker('rm', '--force', name);
  await start('TOKEN=second-secret', 'sh', '-c', 'echo ERROR: no token; sleep 1000');
  const after = await own.run('assess', '--since', backedUp);
  expect(after.exitCode).toBe(3);
  const report = reportIn(after.records);
  const [service] = report.services;
  if (!service?.baseline.looked) throw new Error('not looked at');
  expect(service.baseline.found.changes).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ what: 'command', change: 'changed' }),
      expect.objectContaining({ what: 'variable', name: 'TOKEN', change: 'changed' }),
    ]),
  );
  expect(service.output).toMatchObject({
    looked: true,
    found: { matched: 1, lines: [expect.stringContaining('ERROR: no token')] },
  });
  expect(after.stdout).not.toMatch(/(first|second)-secret/);
  expect(report.findings[0]).toMatchObject({ kind: 'service-changed', service: 'api' });
  expect(report.lossTypes[0]).toMatchObject({ type: 'failed-migration' });

  await docker('rm', '--force', name);
  const gone = reportIn((await own.run('assess')).records);
  expect(gone.findings).toContainEqual(
    expect.objectContaining({ kind: 'service-state', severity: 'high', service: 'api' }),
  );
});

test('a container that ends again and again is told, whether it happens to run or not', async (context) => {
  await using engine = await dockerUnderTest(context, 'loop');
  const { docker, image, prefix } = engine;
  const name = `${prefix}-api`;
  await using own = await filesInstallation(
    'docs',
    `services:
  api: { platform: docker, container: ${name}, writes: [docs] }
`,
  );
  const flag = join(dirname(own.config), 'flag');
  mkdirSync(flag);
  const body = '[ -e /flag/stay ] && exec sleep 1000; exit 1';
  const options = ['--detach', '--restart', 'always', '--volume', `${flag}:/flag:ro`];
  await docker('run', ...options, '--name', name, image, 'sh', '-c', body);
  const seen = (format: string) => docker('inspect', `--format=${format}`, name);
  const within = { timeout: 60_000 };
  await expect.poll(async () => Number(await seen('{{.RestartCount}}')), within).toBeGreaterThan(4);
  const told = async () => {
    const { findings, services } = reportIn((await own.run('assess')).records);
    const kinds = findings.filter((each) => each.service === 'api').map(({ kind }) => kind);
    return { kinds, state: foundOf(services[0]?.state) };
  };
  // Most likely between two runs, for which it waits longer and longer.
  const waiting = await told();
  expect(waiting.kinds).toHaveLength(1);
  expect(['service-state', 'service-restarts']).toContain(waiting.kinds[0]);
  writeFileSync(join(flag, 'stay'), '');
  await expect.poll(() => seen('{{.State.Status}}'), within).toBe('running');
  const running = await told();
  expect(running.kinds).toEqual(['service-restarts']);
  expect(running.state?.restarts?.count).toBeGreaterThan(2);
});

test('a platform that does not answer keeps neither a backup nor a report', async () => {
  await using own = await filesInstallation(
    'docs',
    `services:
  api: { platform: docker, container: none, context: there-is-no-such-context, writes: [docs] }
`,
  );
  writeFileSync(join(own.source, 'one'), 'x');
  const backup = await own.run('backup', 'docs');
  expect(backup.exitCode).toBe(0);
  expect(backup.records).toContainEqual(
    expect.objectContaining({
      type: 'warning',
      message: expect.stringMatching(/^what the service api is made of was not recorded: /),
    }),
  );
  const { exitCode, records } = await own.run('assess');
  expect(exitCode).toBe(0);
  expect(reportIn(records).services).toMatchObject([
    { state: { looked: false }, output: { looked: false } },
  ]);
});

test('an incident gets the report without what others wrote', async () => {
  await using own = await filesInstallation(
    'docs',
    `services:
  api: { platform: shell, stop: ['true'], start: ['true'], isRunning: ['false'], output: [echo, 'ERROR: card 4111 refused'], writes: [docs] }
`,
  );
  await using incidents = openIncidents({
    stateFolder: own.stateFolder,
    actor: 'test',
    host: 'test',
  });
  const { id } = await incidents.open({ title: 'files are gone', severity: 'P1' });
  const { exitCode, stdout } = await own.run('assess', '--incident', 'current');
  expect(exitCode).toBe(3);
  expect(stdout).toContain('card 4111');
  const entries = await incidents.timeline(id);
  const attached = entries.find(({ event }) => event === 'assess.done');
  expect(attached?.data).toMatchObject({ report: { verdict: 'damage-found' } });
  expect(attached?.text).toBe(
    'assessed the damage: 3 findings, the worst: nothing can be restored: there is no backup',
  );
  expect(JSON.stringify(attached)).not.toContain('4111');
  const attachment = attached && attachmentOf(attached);
  expect(attachment).toMatchObject({ name: 'damage-report.json' });
  const whole = (await incidents.attachment(id, attachment?.sha256 as string)) as string;
  expect(JSON.parse(whole)).toMatchObject({ format: 1, verdict: 'damage-found' });
  expect(whole).not.toContain('4111');
  const unknown = await own.run('assess', '--incident', 'no-such');
  expect(unknown.records.at(-1)).toMatchObject({ type: 'error', code: 'incident.unknown' });
});

test('a step of a run attaches its report as the command does, and keeps no lines of outputs either', async () => {
  const yaml = (folder: string) =>
    `sources: { docs: { kind: files, paths: ['${folder}'] } }
services:
  api: { platform: shell, stop: ['true'], start: ['true'], isRunning: ['false'], output: [echo, 'ERROR: card 4111 refused'], writes: [docs] }
`;
  await using own = await filesInstallation('docs');
  writeFileSync(join(own.source, 'one'), 'x');
  await using incidents = openIncidents({
    stateFolder: own.stateFolder,
    actor: 'test',
    host: 'test',
  });
  const { id } = await incidents.open({ title: 'files are gone', severity: 'P1' });
  const docs = await createSource({ kind: 'files', name: 'docs', paths: [own.source] });
  await using memory = (await memoryRepository()).open();
  const context = stepContext({
    folder: dirname(own.config),
    yaml: yaml(own.source),
    sources: { docs },
    repository: memory,
  });
  const outcome = await assessStep.run(
    { sources: ['docs'] },
    { ...context, tell: incidents.tell(id) },
  );
  expect(outcome.evidence).toMatchObject({ verdict: 'damage-found' });
  expect(JSON.stringify(outcome)).not.toContain('4111');
  const [entry, ...others] = (await incidents.timeline(id)).flatMap(
    (each) => attachmentOf(each) ?? [],
  );
  expect(others).toEqual([]);
  const whole = JSON.parse((await incidents.attachment(id, entry?.sha256 as string)) as string);
  expect(whole).toMatchObject({ id: outcome.result.report, verdict: 'damage-found' });
  expect(JSON.stringify(whole)).not.toContain('4111');
});
