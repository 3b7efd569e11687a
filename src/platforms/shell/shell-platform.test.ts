import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ShellService } from '../../config/index.ts';
import type { Platform } from '../platform.ts';
import { type PlatformUnderTest, testPlatform } from '../platform-contract.ts';
import { createPlatforms } from '../registry.ts';

/** A service as people write them: a script that goes on in the background, a file with its process id. */
class ScriptService implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'lifeboat-test-shell-'));
  readonly pidFile = join(this.folder, 'pid');
  readonly setting: ShellService;

  constructor(body = 'while :; do sleep 0.05; done') {
    const [pid, log] = [this.pidFile, join(this.folder, 'log')];
    this.setting = {
      platform: 'shell',
      name: 'scripts',
      // Its output is not sent elsewhere: what it inherited has to stay open.
      start: this.script(
        'start',
        `for n in 1 2 3; do echo hello $n; done >>${log}
         sh -c 'trap "rm -f ${pid}; exit 0" TERM; echo $$ >${pid}.new; mv ${pid}.new ${pid}; ${body}' &
         while [ ! -e ${pid} ]; do sleep 0.01; done`,
      ),
      stop: this.script(
        'stop',
        `[ ! -e ${pid} ] || kill $(cat ${pid}); while kill -0 $(cat ${pid}) 2>/dev/null; do sleep 0.02; done; rm -f ${pid}`,
      ),
      isRunning: this.script(
        'is-running',
        `[ -e ${pid} ] && kill -0 $(cat ${pid}) 2>/dev/null || exit 1`,
      ),
      output: this.script('output', `cat ${log}`),
    };
  }

  script(name: string, text: string): [string] {
    const file = join(this.folder, name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
    return [file];
  }

  pid(): string | undefined {
    return existsSync(this.pidFile) ? readFileSync(this.pidFile, 'utf8').trim() : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pid = this.pid();
    if (pid !== undefined) process.kill(Number(pid), 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function platformOf(service: ShellService): Platform {
  return createPlatforms({ environment: process.env }).of(service);
}

async function running(): Promise<PlatformUnderTest> {
  const scripts = new ScriptService();
  const stubborn = new ScriptService('while :; do sleep 0.05; done');
  const slowStop: ShellService = { ...stubborn.setting, stop: stubborn.script('slow', 'sleep 30') };
  const platform = platformOf(scripts.setting);
  await platform.restart(scripts.setting);
  const gone = (key: 'isRunning' | 'stop' | 'start') => [`${scripts.folder}/gone-${key}`];
  return {
    platform,
    service: scripts.setting,
    async slow() {
      await platform.restart(stubborn.setting);
      return slowStop;
    },
    incarnation: async () => scripts.pid(),
    withoutProgram: {
      ...platform,
      inspect: () => platform.inspect({ ...scripts.setting, isRunning: gone('isRunning') }),
      stop: () => platform.stop({ ...scripts.setting, stop: gone('stop') }),
    },
    async [Symbol.asyncDispose]() {
      await scripts[Symbol.asyncDispose]();
      await stubborn[Symbol.asyncDispose]();
    },
  };
}

testPlatform('shell', running, { lacks: ['absence', 'environment', 'isolation'] });

describe('services by commands', () => {
  it('takes any other exit code of isRunning for an error, and changes nothing then', async () => {
    await using scripts = new ScriptService();
    const platform = platformOf(scripts.setting);
    const broken: ShellService = {
      ...scripts.setting,
      isRunning: scripts.script('broken', 'printf "\\033[2Jno route to host\\n" >&2; exit 255'),
    };
    for (const call of [
      () => platform.inspect(broken),
      () => platform.stop(broken),
      () => platform.restore(broken, { status: 'running', text: '', restore: {} }),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: 'platform.failed',
        message: 'cannot see whether it runs: the service scripts: no route to host',
        hint: expect.stringContaining('255'),
      });
    }
    expect(scripts.pid()).toBeUndefined();
  });

  it('waits for one that says that it stops and goes on', async () => {
    await using scripts = new ScriptService();
    const platform = platformOf(scripts.setting);
    await platform.restart(scripts.setting);
    const polite = { ...scripts.setting, stop: scripts.script('polite', 'exit 0') };
    await expect(platform.stop(polite, { timeoutMs: 500 })).rejects.toMatchObject({
      code: 'platform.timeout',
      message: 'cannot stop the service scripts within 500 ms: it still runs',
    });
  });

  it('says where commands go, and takes another host for another place', async () => {
    await using scripts = new ScriptService();
    const here = await platformOf(scripts.setting).identify();
    const there = await platformOf({ ...scripts.setting, host: 'web-2' }).identify();
    expect(there.text).toBe('commands on web-2');
    expect(there.fingerprint).not.toBe(here.fingerprint);
    // The same on every host that commands may be given from: no name of this one is in it.
    const facts = JSON.stringify(['shell', 'web-2']);
    const wanted = createHash('sha256').update(facts).digest('hex').slice(0, 32);
    expect(there.fingerprint).toBe(wanted);
  });

  it('hides what looks like a password in its baseline', async () => {
    await using scripts = new ScriptService();
    const service = { ...scripts.setting, start: ['start', '--password', 'hunter2'] };
    const { command } = await platformOf(service).baseline(service, new Uint8Array(32));
    expect(command.join(' ')).toMatch(/^start --password \[hidden [0-9a-f]{16}\]$/);
  });
});
