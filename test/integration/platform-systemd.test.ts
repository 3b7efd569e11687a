import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, it, type TestContext } from 'vitest';
import type { SystemdService } from '../../src/config/index.ts';
import { type PlatformUnderTest, testPlatform } from '../../src/platforms/platform-contract.ts';
import { createSystemdPlatform } from '../../src/platforms/systemd/systemd-platform.ts';
import { changesOf, filesInstallation } from '../support/files-installation.ts';
import { type SystemdUnderTest, systemdUnderTest } from '../support/systemd.ts';

const secret = 'correct-horse-7f2a';

function writeUnits({ unitFolder }: SystemdUnderTest, value: string): void {
  const units = {
    'web.service': `[Service]
ExecStart=/bin/sh -c 'for n in 1 2 3; do echo hello $n; done; exec sleep 1000'
Environment=SECRET=${value} "OTHER=two words"
Restart=always
[Install]
WantedBy=basic.target
`,
    // What starts it again by itself, in the place where people put units: over a mask at runtime.
    'web.timer': `[Timer]
OnCalendar=*:*:0/1
AccuracySec=50ms
`,
    'web.path': `[Path]
PathExists=/tmp/start-web
`,
    'slow.service': `[Service]
ExecStart=/bin/sh -c 'trap "" TERM; while :; do sleep 1; done'
TimeoutStopSec=60
`,
  };
  for (const [name, text] of Object.entries(units)) writeFileSync(join(unitFolder, name), text);
}

async function unit(context: TestContext): Promise<PlatformUnderTest> {
  const systemd = await systemdUnderTest(context);
  const of = (name: string): SystemdService => ({ platform: 'systemd', name, unit: name });
  const create = (environment: NodeJS.ProcessEnv) =>
    createSystemdPlatform(false, { environment }, systemd.unitFolder);
  writeUnits(systemd, secret);
  await systemd.run('systemctl', 'daemon-reload');
  await systemd.run('systemctl', 'enable', '--now', 'web.service', 'web.timer', 'web.path');
  return {
    platform: create(systemd.environment),
    // Its name may lack its kind, as for systemctl itself.
    service: of('web'),
    absent: of('gone.service'),
    async slow() {
      await systemd.run('systemctl', 'start', 'slow.service');
      return of('slow.service');
    },
    secret,
    async incarnation() {
      const shown = await systemd.run('systemctl', 'show', '--property', 'MainPID', 'web.service');
      const pid = shown.replace('MainPID=', '');
      return pid === '0' ? undefined : pid;
    },
    async provoke() {
      await systemd.run('sh', '-c', 'touch /tmp/start-web; systemctl start web.path web.timer');
      await systemd.run('systemctl', 'daemon-reload');
      // Longer than the timer waits.
      await setTimeout(1_500);
      await systemd.run('sh', '-c', 'rm /tmp/start-web; systemctl stop web.path web.timer');
    },
    async changeSecret(value) {
      writeUnits(systemd, value);
      await systemd.run('systemctl', 'daemon-reload');
      await systemd.run('systemctl', 'restart', 'web.service');
    },
    withoutProgram: create({ PATH: '/nowhere' }),
    [Symbol.asyncDispose]: () => systemd[Symbol.asyncDispose](),
  };
}

testPlatform('systemd', unit, { lacks: ['isolation'], interruptAfterMs: [20, 150] });

it('tells how often systemd started it again, and since when it runs', async (context) => {
  await using systemd = await systemdUnderTest(context);
  const { environment, unitFolder } = systemd;
  const platform = createSystemdPlatform(false, { environment }, unitFolder);
  writeFileSync(
    join(unitFolder, 'loop.service'),
    `[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sh -c '[ -e /tmp/stay ] && exec sleep 1000; exit 1'
Restart=always
RestartSec=50ms
`,
  );
  await systemd.run('systemctl', 'daemon-reload');
  const begun = Date.now();
  await systemd.run('systemctl', 'start', 'loop.service');
  const loop: SystemdService = { platform: 'systemd', name: 'loop', unit: 'loop' };
  const restarts = async () => (await platform.inspect(loop)).restarts;
  await expect
    .poll(async () => (await restarts())?.count ?? 0, { timeout: 30_000 })
    .toBeGreaterThan(2);
  await systemd.run('touch', '/tmp/stay');
  await expect
    .poll(async () => (await platform.inspect(loop)).status, { timeout: 30_000 })
    .toBe('running');
  const since = Date.parse((await restarts())?.since ?? '');
  expect(since).toBeGreaterThan(begun - 1_000);
  expect(since).toBeLessThan(Date.now() + 1_000);
  await systemd.run('systemctl', 'restart', 'loop.service');
  expect(await restarts()).toBeUndefined();
});

it('is compared with what it was made of at the last backup', async (context) => {
  await using systemd = await systemdUnderTest(context);
  const write = (secret: string, words: string) => {
    const text = `[Service]\nExecStart=/bin/sleep ${words}\nEnvironment=KEY=${secret}\n`;
    writeFileSync(join(systemd.unitFolder, 'web.service'), text);
  };
  write('first-secret', '1000');
  await systemd.run('systemctl', 'daemon-reload');
  await systemd.run('systemctl', 'start', 'web.service');
  await using own = await filesInstallation(
    'docs',
    'services: { web: { platform: systemd, unit: web.service, writes: [docs] } }',
    systemd.environment.PATH,
  );
  writeFileSync(join(own.source, 'one'), 'x');
  expect((await own.run('backup', 'docs')).exitCode).toBe(0);
  expect(await changesOf(own)).toEqual([]);
  write('second-secret', '2000');
  await systemd.run('systemctl', 'daemon-reload');
  expect(await changesOf(own)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ what: 'command', change: 'changed' }),
      expect.objectContaining({ what: 'variable', name: 'KEY', change: 'changed' }),
    ]),
  );
});
