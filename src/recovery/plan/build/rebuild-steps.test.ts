import { describe, expect, it } from 'vitest';
import {
  databaseFacts,
  elsewhere,
  planConfiguration,
  planFacts,
} from '../../../../test/support/plan-facts.ts';
import { parseConfiguration } from '../../../config/index.ts';
import { buildPlan } from '../build-plan.ts';
import { chooseMethod } from '../choose-method.ts';
import type { Plan, Step } from '../plan.ts';
import { credentialsToRotate } from './credentials.ts';

const time = '2026-11-26T03:00:00.000Z';

/** After an intrusion. */
function rebuild(): Plan {
  const facts = planFacts({
    incident: { id: 'inc-1', severity: 'P0', lossType: 'malicious' },
    wish: { target: { target: { kind: 'time', time }, text: time, time } },
    sources: [databaseFacts({ ground: elsewhere })],
  });
  const chosen = chooseMethod(facts);
  expect(chosen.method, chosen.reasons.join('\n')).toBe('clean-rebuild');
  return buildPlan({
    facts,
    configuration: planConfiguration(),
    chosen: { ...chosen, method: 'clean-rebuild' },
    mode: 'live',
    places: {},
    seen: { configuration: 'c'.repeat(64), sources: {} },
  });
}

const instructionOf = ({ input }: Step) => String(input.instruction);

describe('a rebuild after an intrusion', () => {
  const { steps } = rebuild();
  const at = (id: string) => steps.findIndex((each) => each.id === id);

  it('closes the way in, patches, removes what was left and watches more closely, each word by word of a person', () => {
    const hardening = steps.filter(({ id }) => id.startsWith('harden-'));
    expect(hardening.map(({ title }) => title)).toEqual([
      'Close the way they came in',
      'Apply every security patch',
      'Remove what they left',
      'Watch more closely',
    ]);
    for (const { kind, input, approval } of hardening) {
      expect({ kind, typed: input.typed, asked: approval?.typed }).toEqual({
        kind: 'manual',
        typed: 'done',
        asked: 'done',
      });
    }
    expect(instructionOf(hardening[1] as Step)).toMatch(/systems, images, database and libraries/);
  });

  it('does so behind the clearance and the restored data, and before anything is reachable again', () => {
    const order = ['clearance', 'swap-database', 'rotate-credentials', 'rotate-by-hand'];
    const last = ['harden-1', 'harden-2', 'harden-3', 'harden-4', 'new-services'];
    const places = [...order, ...last].map(at);
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places.at(-1)).toBe(steps.length - 1);
  });

  it('names for a person what no configuration knows: keys, tokens, accounts, with what to do', () => {
    const byHand = instructionOf(steps[at('rotate-by-hand')] as Step);
    for (const line of [
      '- API keys: Revoke and reissue',
      '- OAuth and session tokens: Revoke refresh tokens, end every session',
      '- cloud and service accounts: Reissue keys',
      '- accounts of people: Change passwords and second factors',
      '- other database roles: ALTER ROLE ... PASSWORD for every role',
      '- SSH keys: Reissue host and user keys',
      '- TLS certificates: Reissue',
      '- build and deploy tokens: Reissue tokens of registries',
      '- JWT_SECRET of api: Reissue what JWT_SECRET holds',
    ]) {
      expect(byHand).toContain(line);
    }
    // What a command changes is none of it.
    expect(byHand).not.toContain('payment API key');
  });
});

it('of credentials knows those of the configuration, and never reads one', () => {
  const configuration = parseConfiguration(
    `name: shop
repositories: { main: { location: /backups, password: { env: REPOSITORY_WORD } } }
sources:
  database:
    kind: postgres
    connection: postgres://lifeboat@db/shop
    rescue: { connection: postgres://admin@db/shop }
    ground: { kind: server, connection: postgres://root@new/postgres }
  uploads: { kind: files, paths: [/srv/uploads], ground: { kind: ssh-host, host: new, folder: /srv/uploads } }
recovery:
  credentials: [{ name: payment, rotate: [rotate, payment] }, { name: mail }]
`,
    '/etc/lifeboat.yaml',
    { REPOSITORY_WORD: 'hunter2' },
  );
  const found = credentialsToRotate(configuration, [
    { name: 'api', environmentNames: ['LOG_LEVEL', 'DB_PASSWORD', 'STRIPE_API_KEY', 'KEYBOARD'] },
  ]);
  expect(found.filter(({ from }) => from !== 'unknown').map(({ name }) => name)).toEqual([
    'password of the source database',
    'rescue password of the source database',
    'password of the ground of database',
    'SSH key of the ground of uploads',
    'password of the repository main',
    'access to the location of main',
    'DB_PASSWORD of api',
    'STRIPE_API_KEY of api',
    'payment',
    'mail',
  ]);
  expect(found.filter(({ from }) => from === 'unknown')).toHaveLength(8);
  expect(JSON.stringify(found)).not.toContain('hunter2');
  expect(found.find(({ name }) => name === 'payment')?.how).toBe('Changed by `rotate payment`.');
});
