// A process that drives a run whose steps write into a ledger; it is killed at whatever point its parent likes.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openPostgresEngine } from '../../src/recovery/run/engine/postgres-engine.ts';
import { openSqliteEngine } from '../../src/recovery/run/engine/sqlite-engine.ts';
import { RecoveryRuns } from '../../src/recovery/run/recovery-runs.ts';
import { parseConnectionUrl } from '../../src/sources/index.ts';
import { planOf, scriptedKind, surroundingsOf } from '../support/recovery-run.ts';

const [folder = '', state = '', wish = ''] = process.argv.slice(2);
const ledger = join(folder, 'ledger');
const say = (line: string) => process.stdout.write(`${line}\n`);
const holds = (id: string) => existsSync(join(folder, `effect-${id}`));

const kind = scriptedKind({
  async run(id) {
    say(`in ${id}`);
    await pause(15);
    appendFileSync(ledger, `did ${id}\n`);
    writeFileSync(join(folder, `effect-${id}`), '', { flag: 'wx' });
    say(`behind ${id}`);
    await pause(15);
  },
  probe: (id) => (holds(id) ? 'done' : 'not-done'),
});

const engine = state.startsWith('postgres')
  ? await openPostgresEngine(parseConnectionUrl(state))
  : await openSqliteEngine(state);
const runs = new RecoveryRuns({
  surroundings: surroundingsOf({ stateFolder: join(folder, 'state'), repositories: {} }),
  engine,
  kinds: async () => kind,
  tell: () => async () => {},
  desk: async () => undefined,
  progress: () => {},
  onEvent: ({ type }) => say(type),
  signal: new AbortController().signal,
});
const plan = planOf(
  JSON.parse(readFileSync(join(folder, 'steps.json'), 'utf8')) as { readonly id: string }[],
);
say('ready');
while (!existsSync(join(folder, 'go'))) await pause(2);
try {
  const [known] = wish === 'start' ? [] : await runs.list();
  const { phase } = known ? await runs.resume(known.run) : await runs.start(plan);
  say(`ended ${phase}`);
} catch (error) {
  say(`error ${(error as { code?: string }).code ?? error}`);
}
await engine[Symbol.asyncDispose]();
