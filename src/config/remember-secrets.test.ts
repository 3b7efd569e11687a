import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { hideSecrets } from '../core/index.ts';
import { parseConfiguration, rememberSecrets } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'lifeboat-secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('knows the passwords of files, variables and URLs before anything is written down', () => {
  writeFileSync(join(folder, 'password'), 'from-the-file\nnot this line\n', { mode: 0o600 });
  const environment = { SHOP: 'from-the-variable', PGPASSWORD: 'from-the-usual-one' };
  const configuration = parseConfiguration(
    `name: shop
repositories:
  main: { location: /r, password: { file: ./password } }
  other: { location: /s, copyFrom: main, password: { env: SHOP } }
  gone: { location: /t, copyFrom: main, password: { file: /not/there } }
sources:
  database: { kind: postgres, connection: "postgres://ben:from%2Dthe%2DURL@db/shop", password: { command: [pass, shop] } }
`,
    join(folder, 'lifeboat.yaml'),
    environment,
  );
  rememberSecrets(configuration, environment);
  const text = 'from-the-file from-the-variable from-the-usual-one from-the-URL not this line';
  expect(hideSecrets(text)).toBe('[secret] [secret] [secret] [secret] not this line');
});

it('does without a configuration', () => {
  rememberSecrets(undefined, { LIFEBOAT_PASSWORD: 'of-a-bare-machine' });
  expect(hideSecrets('of-a-bare-machine')).toBe('[secret]');
});
