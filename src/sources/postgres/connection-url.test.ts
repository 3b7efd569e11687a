import { describe, expect, it } from 'vitest';
import { Secret } from '../../core/index.ts';
import { describeConnection, eachHost } from './connection-settings.ts';
import { parseConnectionUrl, withUser } from './connection-url.ts';

describe('a connection URL', () => {
  it('has defaults for what it leaves out', () => {
    expect(parseConnectionUrl('postgres://')).toEqual({
      host: 'localhost',
      port: 5432,
      user: 'postgres',
      database: 'postgres',
      sslmode: 'prefer',
    });
    expect(parseConnectionUrl('postgresql://me@db')).toMatchObject({ user: 'me', database: 'me' });
  });

  it('names several hosts, each with its port', () => {
    const settings = parseConnectionUrl(
      'postgres://me@h1:5433,[fd00::1]:5434,h3/shop?target_session_attrs=primary',
    );
    expect(settings).toMatchObject({
      host: 'h1',
      port: 5433,
      otherHosts: [
        { host: 'fd00::1', port: 5434 },
        { host: 'h3', port: 5432 },
      ],
      targetSession: 'primary',
    });
    expect(describeConnection(settings)).toBe('me@h1:5433,[fd00::1]:5434,h3:5432/shop');
    expect(eachHost(settings).map(describeConnection)).toEqual([
      'me@h1:5433/shop',
      'me@[fd00::1]:5434/shop',
      'me@h3:5432/shop',
    ]);
    expect(eachHost(settings)[1]).not.toHaveProperty('otherHosts');
  });

  it('takes hosts, ports, user and database among its options too', () => {
    expect(
      parseConnectionUrl('postgres:///?host=/run/a,h2&port=5433&user=me&dbname=shop'),
    ).toMatchObject({
      host: '/run/a',
      port: 5433,
      otherHosts: [{ host: 'h2', port: 5433 }],
      user: 'me',
      database: 'shop',
    });
    expect(parseConnectionUrl('postgres://%2Frun%2Fa/shop').host).toBe('/run/a');
  });

  it('has a password that is given beside it first, and never shows it', () => {
    const url = 'postgres://me:in%3AURL@db/shop';
    expect(parseConnectionUrl(url).password?.reveal()).toBe('in:URL');
    const settings = parseConnectionUrl(url, new Secret('beside'));
    expect(settings.password?.reveal()).toBe('beside');
    expect(JSON.stringify(settings) + describeConnection(settings)).not.toMatch(/beside|URL/);
    expect(withUser(url, 'OWNER')).toBe('postgres://OWNER@db/shop');
    expect(withUser('postgres://h1,h2:1/shop', 'OWNER')).toBe('postgres://OWNER@h1,h2:1/shop');
  });

  it('repeats nothing of what may be a password', () => {
    const message = (url: string) => {
      try {
        parseConnectionUrl(url);
      } catch (error) {
        return (error as Error).message;
      }
      throw new Error('it was accepted');
    };
    for (const url of ['postgres://me:s3cret/db', 'postgres://me:s3:cret/db']) {
      expect(message(url)).not.toMatch(/s3|cret/);
    }
  });

  it('asks for the name of the server when it trusts every public authority', () => {
    const parse = (query: string) => parseConnectionUrl(`postgres://me@db/shop?${query}`);
    expect(parse('sslrootcert=system').sslmode).toBe('verify-full');
    expect(() => parse('sslrootcert=system&sslmode=require')).toThrow(/verify-full/);
    expect(parse('sslcert=/a&sslkey=/b')).toMatchObject({ sslCert: '/a', sslKey: '/b' });
    expect(() => parse('sslcert=/a')).toThrow(/go together/);
  });

  it.each([
    ['mysql://me@db', /postgres:/],
    ['postgres://me@db:0/shop', /no port/],
    ['postgres://me@db:99999/shop', /no port/],
    ['postgres://me@a,b,c/shop?port=1,2', /2 ports for 3 hosts/],
    ['postgres://me@db/shop?sslmod=verify-full', /sslmod is not understood/],
    ['postgres://me@db/shop?sslmode=always', /sslmode must be one of/],
    ['postgres://me@db/shop?target_session_attrs=master', /must be one of any/],
    ['postgres://me@db/shop?channel_binding=require', /channel_binding is not understood/],
    ['postgres://me@db/shop?connect_timeout=soon', /no number/],
    ['postgres://me@db/shop?sslmode=verify-ca', /needs sslrootcert/],
    ['postgres://me@db/%zz', /hexadecimal/],
  ])('%s is refused', (url, message) => {
    expect(() => parseConnectionUrl(url)).toThrow(message);
  });

  it.each([
    'postgres://me:sec/ret@db/shop',
    'postgres://me:sec?ret@db/shop',
    'postgres://me:sec@x?ret@db/shop',
    'postgres://me:sec@x/ret@db/shop',
    'postgres://me@db/shop?password=ret&sec',
    'postgres://me@db/shop?sslpassword=ret-sec',
  ])('an error repeats nothing of a password that is not encoded (%s)', (url) => {
    let message = 'no error';
    try {
      parseConnectionUrl(url);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/^the connection URL is wrong/);
    expect(message).not.toMatch(/sec|ret/);
  });

  it('may have options of libpq that change nothing here', () => {
    const url = 'postgres://me@db/shop?application_name=x&channel_binding=prefer&connect_timeout=7';
    expect(parseConnectionUrl(url)).toMatchObject({ database: 'shop', connectTimeoutMs: 7000 });
  });
});
