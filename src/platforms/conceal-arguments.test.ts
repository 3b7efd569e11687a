import { describe, expect, it } from 'vitest';
import { concealArguments } from './conceal-arguments.ts';

const salt = new Uint8Array(32).fill(1);

describe('a command line for a record', () => {
  it.each([
    [['redis-server', '--requirepass', 'hunter2']],
    [['app', '--db-password=hunter2']],
    [['app', '-Dapi.key=1', 'API_KEY=hunter2']],
    [['app', 'postgres://shop:hunter2@db/shop']],
    [['sh', '-c', 'export TOKEN=hunter2; exec app --port 80']],
    [['sh', '-c', `app --password 'hunter2' --port 80`]],
    [['mongod', '--auth', 'hunter2']],
    [['sudo', '/usr/bin/curl', '-u', 'ada:hunter2', 'http://h']],
    [['curl', '-uada:hunter2']],
    [['curl', '--user=ada:hunter2']],
    [['docker', 'exec', 'db', 'mysql', '-phunter2', 'shop']],
    [['sh', '-c', 'curl -s -u ada:hunter2 http://h && mysqldump -phunter2 shop']],
    [['curl', '-H', 'Authorization: Basic hunter2']],
    [['run', 'ghp_hunter2hunter2hunter2hunter2']],
  ])('does not hold the secret of %j, and tells whether it changed', (args) => {
    const hidden = concealArguments(args, salt);
    expect(hidden.length).toBe(args.length);
    expect(hidden.join(' ')).not.toContain('hunter2');
    expect(concealArguments(args, salt)).toEqual(hidden);
    const changed = args.map((each) => each.replace('hunter2', 'hunter3'));
    expect(concealArguments(changed, salt)).not.toEqual(hidden);
    expect(concealArguments(args, new Uint8Array(32))).not.toEqual(hidden);
  });

  it.each([
    [['node', 'api.js', '--port', '80']],
    [['app', '--password-file', '/run/secrets/db']],
    [['app', '--token-lifetime=5m', '--keyboard=us']],
    [['sh', '-c', 'exec app --port 80 >/var/log/app']],
    [['mysql', '-p', 'shop']],
    [['tar', '-u', 'file']],
  ])('leaves %j as it is', (args) => {
    expect(concealArguments(args, salt)).toEqual(args);
  });
});
