// A host that is begun a recovery on is lost, with its state and its lifeboat.yaml. Another host has nothing but the repository and its password: it
// fetches the configuration, shows what it would run, lets it in, and takes the run to its end. Nothing is done twice.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { sealPlan } from '../../src/recovery/index.ts';
import { type CommandResult, untilRecord } from '../support/command-line.ts';
import { canBeOtherHosts, lifeboatOn, spawnOn } from '../support/other-host.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { approvalOf, planOf } from '../support/recovery-run.ts';
import { need } from '../support/skip.ts';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const [one, two] = ['host-one', 'host-two'];

beforeEach(() => {
  folder = temporaryFolder('new-host');
  for (const name of [one, two, 'data']) mkdirSync(at(name));
  writeFileSync(at('data', 'letter'), 'Dear Ada');
  writeFileSync(at('ledger'), '');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Each host has a home, and thereby a state, of its own. */
function surroundings(host: string, env: Readonly<Record<string, string>> = {}) {
  const own = { HOME: at(host), LIFEBOAT_CACHE_FOLDER: 'off', LIFEBOAT_CONFIG: '', ...env };
  return { cwd: at(host), env: own };
}
const on = (
  host: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<CommandResult> => lifeboatOn(host, [...args, '--json'], surroundings(host, env));

const ledger = () => readFileSync(at('ledger'), 'utf8').trim().split('\n');
const last = ({ records }: CommandResult) => records.at(-1) as Record<string, unknown>;

function configure(): void {
  const after = (name: string, script: string) => ({
    name,
    command: ['sh', '-c', `${script} && echo ${name} >> ${at('ledger')}`],
    isDone: ['grep', '-q', `^${name}$`, at('ledger')],
  });
  const configuration = {
    name: 'shop',
    state: at(one, 'state'),
    repositories: { main: { location: at('repository'), password: { file: at(one, 'password') } } },
    sources: { letters: { kind: 'files', paths: [at('data')] } },
    recovery: {
      after: [
        after('migrate', 'true'),
        // Until the second host is there, it lasts.
        after('flush', `{ echo begun >> ${at('ledger')}; test -e ${at('go')} || sleep 300; }`),
        after('switch', 'true'),
      ],
    },
  };
  writeFileSync(at(one, 'lifeboat.yaml'), JSON.stringify(configuration));
}

function writePlan(): string {
  const steps = ['migrate', 'flush', 'switch'].map((id) => ({ id, input: { name: id } }));
  const approval = approvalOf({ typed: 'letters' });
  const { id: _, ...content } = planOf(steps.map((step) => ({ ...step, approval })));
  const file = at(one, 'plan.json');
  writeFileSync(file, JSON.stringify(sealPlan({ ...content, sources: ['letters'] })));
  return file;
}

it('goes on with a recovery that another host began, with nothing but the repository and its password', async (context) => {
  need(context, canBeOtherHosts, 'no namespaces to be another host in');
  configure();
  const made = await on(one, ['init', '--repository', 'main']);
  expect(made.exitCode, made.stdout).toBe(0);

  // 1. The first host dies in the middle of the second step, and nothing of it is left.
  const args = ['recover', writePlan(), '--yes', 'letters', '--json'];
  const dying = spawnOn(one, args, surroundings(one));
  dying.stderr?.resume();
  await untilRecord(dying, ({ type, step }) => type === 'run-step-begun' && step === 'flush');
  await expect.poll(() => ledger(), { timeout: 20_000 }).toContain('begun');
  const gone = new Promise((resolve) => dying.once('close', resolve));
  dying.kill('SIGKILL');
  await gone;
  const password = readFileSync(at(one, 'password'), 'utf8');
  rmSync(at(one), { recursive: true });
  writeFileSync(at(two, 'pw'), password, { mode: 0o600 });
  expect(ledger()).toEqual(['migrate', 'begun']);

  // 2. The second host is told what to type.
  const lost = await on(two, ['recover', '--resume', 'INC-1']);
  expect(lost.exitCode).toBe(2);
  expect(last(lost)).toMatchObject({ code: 'config.missing' });
  expect(last(lost).hint).toContain('lifeboat init --from-repository LOCATION');
  expect(last(lost).hint).toContain('lifeboat recover --resume INC-1');

  // 3. It is shown what the configuration would do; nobody allows it, and nothing happens.
  const fetching = [
    'init',
    '--from-repository',
    at('repository'),
    '--password-file',
    at(two, 'pw'),
  ];
  const shown = await on(two, fetching);
  expect(shown.exitCode, shown.stdout).toBe(2);
  expect(last(shown)).toMatchObject({ code: 'confirmation.missing' });
  const offer = shown.records.find(({ type }) => type === 'stored-configuration');
  expect(offer).toMatchObject({
    host: one,
    file: at(two, 'lifeboat.yaml'),
    storedIn: at(one, 'lifeboat.yaml'),
    writer: expect.stringMatching(/^[0-9a-f]{64}$/),
    leftOut: [],
    changes: [`repositories.main.password: the file ${at(two, 'pw')}`],
    acts: {
      commands: ['migrate', 'flush', 'switch'].flatMap((name, index) => [
        {
          place: `recovery.after.${index}.command`,
          words: ['sh', '-c', expect.stringContaining(`echo ${name}`)],
        },
        { place: `recovery.after.${index}.isDone`, words: expect.arrayContaining([`^${name}$`]) },
      ]),
    },
    absent: ['state'],
  });
  expect(existsSync(at(two, 'lifeboat.yaml'))).toBe(false);
  expect(ledger()).toEqual(['migrate', 'begun']);

  // 4. Allowed, the run goes on: it asks for its own commands once more, and for the host that is gone.
  const adopted = await on(two, [...fetching, '--yes', two]);
  expect(adopted.exitCode, adopted.stdout).toBe(0);
  expect(parse(readFileSync(at(two, 'lifeboat.yaml'), 'utf8'))).toMatchObject({
    name: 'shop',
    repositories: { main: { password: { file: at(two, 'pw') } } },
  });
  writeFileSync(at('go'), '');
  const resume = ['recover', '--resume', 'INC-1', '--yes', 'letters'];
  const paused = await on(two, [...resume, '--take-over', one]);
  expect(paused.exitCode, paused.stdout).toBe(3);
  expect(ledger()).toEqual(['migrate', 'begun']);
  const end = await on(two, [...resume, '--yes', two]);
  expect(end.exitCode, end.stdout).toBe(0);
  expect(last(end)).toMatchObject({ type: 'run-done', phase: 'done' });
  expect(ledger()).toEqual(['migrate', 'begun', 'begun', 'flush', 'switch']);
}, 240_000);
