import { describe, expect, it } from 'vitest';
import { hideSecrets, hideSecretsWithin, Secret } from './index.ts';

describe('hiding secrets', () => {
  it('finds every secret that was read, in each form it may be written in', () => {
    new Secret('k0mpliziert@x/"y');
    expect(hideSecrets('login with k0mpliziert@x/"y failed')).toBe('login with [secret] failed');
    expect(hideSecrets('to k0mpliziert%40x%2F%22y')).toBe('to [secret]');
    expect(hideSecrets(JSON.stringify({ a: 'k0mpliziert@x/"y' }))).toBe('{"a":"[secret]"}');
  });

  it('takes a short one only where it stands alone', () => {
    new Secret('abc');
    expect(hideSecrets('abcd abc, x=abc')).toBe('abcd [secret], x=[secret]');
  });

  it('replaces the longer of two that begin alike', () => {
    new Secret('geheimnis');
    new Secret('geheimnis-2');
    expect(hideSecrets('geheimnis-2')).toBe('[secret]');
  });

  it('takes the password out of any URL', () => {
    expect(hideSecrets('postgres://ben:s3cr3t@db/shop')).toBe('postgres://ben:[secret]@db/shop');
    expect(hideSecrets('https://db:8001/health')).toBe('https://db:8001/health');
  });

  it('looks at every text within a value', () => {
    new Secret('within-a-value');
    const value = { list: ['within-a-value', 1, null], 'within-a-value': { deep: true } };
    expect(hideSecretsWithin(value)).toEqual({
      list: ['[secret]', 1, null],
      '[secret]': { deep: true },
    });
  });
});
