import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sshPlace } from '../../../../test/support/ground-places.ts';
import { startPostgres, temporaryFolder } from '../../../../test/support/postgres.ts';
import { serversUnderTest } from '../../../../test/support/servers.ts';
import { need } from '../../../../test/support/skip.ts';
import { type SshServer, startSshServer } from '../../../../test/support/ssh-server.ts';
import { ScriptPlace } from '../in-volume/script-place.ts';
import { TreeGround } from '../tree-ground.ts';
import { type SshHostSetting, SshRunner } from './ssh-runner.ts';

function groundOf(server: SshServer, folder: string, more: Partial<SshHostSetting> = {}) {
  const { host, port, identity, knownHosts } = server;
  const setting = { kind: 'ssh-host', host, port, identity, knownHosts, folder, ...more } as const;
  return new TreeGround(new ScriptPlace(new SshRunner(setting, process.env)));
}

describe('another host as a ground', () => {
  it('takes a tree beside, in place, and back', async (context) => {
    await using place = await sshPlace(context);
    const { ground, folder } = place;
    const tree = temporaryFolder('delivery');
    const name = Buffer.from([0x2f, 0x2d, 0x0a, 0xff, 0x5c]);
    const at = (where: string) => Buffer.concat([Buffer.from(where), name]);
    writeFileSync(at(folder), 'former');
    writeFileSync(at(tree), 'new');
    const read = () => readFileSync(at(folder), 'utf8');
    await ground.fill('a1', { kind: 'tree', folder: tree, bytes: 3 });
    await ground.swap('a1');
    expect(read()).toBe('new');
    await ground.swapBack('a1');
    expect(read()).toBe('former');
    await ground.discard('a1');
    expect(await ground.state('a1')).toBe('nothing');
    rmSync(tree, { recursive: true });
  });

  it('refuses while a server runs there', async (context) => {
    const bin = need(context, serversUnderTest(15)[0]?.bin, 'PostgreSQL 15 is not installed');
    await using ssh = await startSshServer(context);
    await using server = await startPostgres({ bin, major: 15 });
    const ground = groundOf(ssh, server.dataFolder);
    const tree = temporaryFolder('delivery');
    writeFileSync(join(tree, 'PG_VERSION'), '15');
    await ground.fill('a1', { kind: 'tree', folder: tree, bytes: 2 });
    await expect(ground.swap('a1')).rejects.toMatchObject({ code: 'target.in-use' });
    await server.stop();
    await ground.swap('a1');
    expect(readFileSync(join(server.dataFolder, 'PG_VERSION'), 'utf8')).toBe('15');
    await ground.swapBack('a1');
    await ground.discard('a1');
    rmSync(tree, { recursive: true });
  });

  it('trusts no host that is not known, and asks for nothing', async (context) => {
    await using ssh = await startSshServer(context);
    const unavailable = { code: 'ground.unavailable' };
    const empty = groundOf(ssh, '/srv/data', { knownHosts: '/dev/null' });
    await expect(empty.identify()).rejects.toMatchObject(unavailable);
    const keyless = groundOf(ssh, '/srv/data', { identity: '/dev/null' });
    await expect(keyless.state('a1')).rejects.toMatchObject(unavailable);
    expect(() => groundOf(ssh, 'relative')).toThrow('no absolute path');
  });
});
