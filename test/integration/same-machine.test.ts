// Goal: after an intrusion nothing is put on the machine that the intruder had, by whatever other name it is called there.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it, type TestContext } from 'vitest';
import { dockerUnderTest } from '../support/docker.ts';
import { type FilesInstallation, filesInstallation } from '../support/files-installation.ts';
import { need } from '../support/skip.ts';
import { startSshServer } from '../support/ssh-server.ts';

/** Why a rebuild on that ground is refused. */
async function refusal(own: FilesInstallation, ground: string): Promise<string> {
  const text = readFileSync(own.config, 'utf8');
  writeFileSync(own.config, text.replace(/^( {2}docs: .*) \}$/m, `$1, ground: ${ground} }`));
  writeFileSync(join(own.source, 'one'), 'x');
  expect((await own.run('backup', 'docs')).exitCode).toBe(0);
  const at = new Date().toISOString();
  const { stdout } = await own.run('plan', 'docs', '--type', 'malicious', '--at', at, '--quick');
  return stdout;
}

function needMachineId(context: TestContext): void {
  const id = execFileSync('sh', ['-c', 'cat /etc/machine-id 2>/dev/null || true']).toString();
  need(context, /^[0-9a-f]{32}$/.test(id.trim()), 'this machine has no id');
}

it('the engine of this machine, by another context', async (context) => {
  needMachineId(context);
  await using engine = await dockerUnderTest(context, 'loose-ends');
  await using own = await filesInstallation('docs');
  const name = `${engine.prefix}-other`;
  const env = { ...process.env, HOME: dirname(own.config) };
  const socket = 'host=unix:///var/run/docker.sock';
  execFileSync('docker', ['context', 'create', name, '--docker', socket], { env, stdio: 'ignore' });
  const ground = `{ kind: docker-volume, volume: ${name}, context: ${name} }`;
  expect(await refusal(own, ground)).toContain(
    'is on the machine of docs, which has another name there',
  );
});

it('this machine over SSH, by another name', async (context) => {
  needMachineId(context);
  await using ssh = await startSshServer(context);
  await using own = await filesInstallation('docs');
  // The same address; no rule about names knows it.
  const name = '::ffff:127.0.0.1';
  const knownHosts = join(dirname(own.config), 'known_hosts');
  writeFileSync(knownHosts, readFileSync(ssh.knownHosts, 'utf8').replace('127.0.0.1', name));
  const host = ssh.host.replace('127.0.0.1', name);
  const ground = `{ kind: ssh-host, host: '${host}', port: ${ssh.port}, identity: '${ssh.identity}', knownHosts: '${knownHosts}', folder: ${join(dirname(own.config), 'new')} }`;
  expect(await refusal(own, ground)).toContain(
    'is on the machine of docs, which has another name there',
  );
});
