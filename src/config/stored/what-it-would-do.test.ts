import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type ConfigurationFile, configurationSchema } from '../schema.ts';
import { checkStoredConfiguration, configurationYaml } from './storable-configuration.ts';
import { whatItWouldDo } from './what-it-would-do.ts';

/** Lists of texts that are no commands. Whoever adds an option with a list of texts says here, or by `command`, which it is. */
const lists =
  /\.(paths|exclude|excludeFiles|excludeIfPresent|databases|writes|after|errors|ignore|accounts|may|twoPersons|alsoTo|has|compose\.files)$/;

const texts = ['x', '1h', '1 GiB', '5%', 'postgres://h/d', 'http://h/', 'redis://h/0', 'job/x'];

/** Of every option, in each of its forms, an example that is allowed: made of the schema. A list of texts holds the path of its option. */
function examplesOf(schema: z.core.$ZodType, path: string): readonly unknown[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  const allowed = (all: readonly unknown[]) => {
    return all.filter((each) => z.safeParse(schema, each).success);
  };
  switch (def.type) {
    case 'optional':
      return examplesOf(def.innerType, path);
    case 'object':
      return objectsOf(schema, def.shape, path);
    case 'record':
      return examplesOf(def.valueType, `${path}.*`).map((each) => ({ x: each }));
    case 'array':
      return isText(def.element) ? [[path]] : examplesOf(def.element, path).map((each) => [each]);
    case 'union':
      return def.options.flatMap((each) => examplesOf(each, path));
    case 'literal':
      return [def.values[0]];
    case 'number':
      return allowed([1, 200]);
    case 'boolean':
      return [true];
    case 'null':
      return [null];
    case 'string':
      return allowed([path, ...texts]).slice(0, 1);
    default:
      throw new TypeError(`no example of ${def.type} at ${path}`);
  }
}

function isText(schema: z.core.$ZodType): boolean {
  return z.safeParse(schema, '.a.path').success;
}

/** What has to be there, with each form of each option that may be; and with one more, because some go together. */
function objectsOf(
  schema: z.core.$ZodType,
  shape: z.core.$ZodShape,
  path: string,
): readonly unknown[] {
  const forms = Object.entries(shape).map(([key, inner]) => ({
    key,
    all: examplesOf(inner, `${path}.${key}`),
    isNeeded: inner._zod.optin !== 'optional',
  }));
  const first = ({ key, all }: (typeof forms)[number]) => [key, all[0]] as const;
  const needed = Object.fromEntries(forms.filter(({ isNeeded }) => isNeeded).map(first));
  const bases = [
    needed,
    ...forms.map((each) => ({ ...needed, ...Object.fromEntries([first(each)]) })),
  ];
  return forms.flatMap(({ key, all }) =>
    all.flatMap((each) => {
      const examples = bases.map((base) => ({ ...base, [key]: each }));
      return examples.find((example) => z.safeParse(schema, example).success) ?? [];
    }),
  );
}

/** Every list of texts that the schema allows, by its path. */
function listsOf(schema: z.core.$ZodType, path: string): readonly string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'optional':
      return listsOf(def.innerType, path);
    case 'object':
      return Object.entries(def.shape).flatMap(([key, each]) => listsOf(each, `${path}.${key}`));
    case 'record':
      return listsOf(def.valueType, `${path}.*`);
    case 'array':
      return isText(def.element) ? [path] : listsOf(def.element, path);
    case 'union':
      return def.options.flatMap((each) => listsOf(each, path));
    default:
      return [];
  }
}

describe('what a configuration would do', () => {
  it('holds every command that the schema knows of: a list of texts is one, or is named here', () => {
    const wanted = new Set(listsOf(configurationSchema, '').filter((each) => !lists.test(each)));
    expect(wanted).toContain('.services.*.test.start');
    expect(wanted).toContain('.services.*.checks.headers.*.command');
    const found = examplesOf(configurationSchema, '').flatMap((example) => {
      return whatItWouldDo(example as ConfigurationFile).commands.map(({ words }) => words[0]);
    });
    expect([...new Set(found)].sort()).toEqual([...wanted].sort());
  });

  it('holds servers, queries, programs, files and variables too', () => {
    const checked = checkStoredConfiguration({
      name: 'shop',
      repositories: { main: { location: 's3:https://s3/b', password: { env: 'PW' } } },
      sources: {
        db: {
          kind: 'postgres',
          connection: 'postgres://db/shop',
          programs: '/opt/pg',
          local: 'auto',
          checks: [{ name: 'c', sql: 'select 1', atLeast: 1 }],
          ground: { kind: 'ssh-host', host: 'root@evil', folder: '/srv' },
        },
        uploads: { kind: 'volume', volume: 'v', image: 'evil' },
        other: {
          kind: 'files',
          paths: ['/data'],
        },
      },
      services: {
        api: {
          platform: 'docker',
          container: 'api',
          context: 'faraway',
          health: 'http://localhost/health',
          checks: [{ http: 'https://api/login', send: { pin: { file: '/etc/shadow' } } }],
        },
      },
    });
    if ('problem' in checked) throw new TypeError(checked.problem);
    const acts = whatItWouldDo(checked.configuration);
    const words = (all: typeof acts.sql) => all.map((each) => each.words.join(' '));
    expect(words(acts.sql)).toEqual(['select 1']);
    expect(words(acts.programs)).toEqual(['/opt/pg']);
    expect(words(acts.connections)).toEqual([
      ...['s3:https://s3/b', 'postgres://db/shop', 'root@evil'],
      ...['http://localhost/health', 'https://api/login'],
    ]);
    expect(words(acts.paths)).toEqual(['/data', '/etc/shadow']);
    expect(words(acts.targets)).toEqual(['v', 'api', 'faraway']);
    expect(words(acts.images)).toEqual(['evil']);
    expect(acts.variables).toEqual([{ place: 'repositories.main.password.env', words: ['PW'] }]);
    expect(acts.commands).toEqual([]);
    expect(configurationYaml(checked.configuration)).toMatch(/^name: shop\nrepositories:\n/);
  });
});
