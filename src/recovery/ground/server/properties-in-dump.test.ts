import { expect, it } from 'vitest';
import { propertiesInDump } from './properties-in-dump.ts';

// As pg_restore --create of PostgreSQL 13, 15, 17 and 18 prints it.
it.each([
  [
    `CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'C';\n\n\nALTER DATABASE shop OWNER TO shop_app;`,
    {
      encoding: 'UTF8',
      collate: 'C',
      ctype: 'C',
      provider: 'libc',
      locale: null,
      owner: 'shop_app',
    },
  ],
  [
    `CREATE DATABASE "a b" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LC_COLLATE = 'de_DE.UTF-8' LC_CTYPE = 'C.UTF-8';\nALTER DATABASE "a b" OWNER TO "odd ""name";`,
    { collate: 'de_DE.UTF-8', ctype: 'C.UTF-8', provider: 'libc', owner: 'odd "name' },
  ],
  [
    `CREATE DATABASE i WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = icu LOCALE = 'C' ICU_LOCALE = 'en-US';`,
    { collate: 'C', provider: 'icu', locale: 'en-US', owner: '' },
  ],
  [
    `CREATE DATABASE b WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = builtin LOCALE = 'C' BUILTIN_LOCALE = 'C.UTF-8';`,
    { collate: 'C', provider: 'builtin', locale: 'C.UTF-8' },
  ],
])('reads what a dump says of its database', (sql, expected) => {
  expect(propertiesInDump(`SET statement_timeout = 0;\n${sql}\n`)).toMatchObject(expected);
});
