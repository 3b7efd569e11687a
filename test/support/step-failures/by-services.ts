import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { FailingWay, FailureTable } from './failing-way.ts';
import type { FailureScene } from './failure-scene.ts';

// Kinds that stop, start, try and watch services, on the shell platform.

const hang = 'touch hangs; exec sleep 600';
const refuse = 'echo "no route to host" >&2; exit 3';
const sources = (scene: FailureScene) =>
  `sources: { uploads: { kind: files, paths: [${scene.at('uploads')}] } }`;
const onlyLooks =
  'it only looks, each part within a time of its own, and stops nothing: what could not be looked at is named in its report (`test/integration/assess-failures.test.ts` has each way)';
interface Faults {
  readonly start?: string;
  readonly stop?: string;
  readonly isRunning?: string;
  readonly more?: string;
}

/** A service that runs while there is a file; what was done to it stands in `calls`. */
function service(scene: FailureScene, name: string, faults: Faults = {}): string {
  const { start = '', stop = '', isRunning = '', more = '' } = faults;
  const act = (what: string, text: string, broken: string) =>
    scene.script(`${name}-${what}`, `echo ${what} ${name} >> calls; ${text}`, broken);
  const look = scene.script(`${name}-look`, `[ -e ${name}.runs ] || exit 1`, isRunning);
  return `  ${name}: { platform: shell, start: [${act('start', `touch ${name}.runs`, start)}], stop: [${act('stop', `rm -f ${name}.runs`, stop)}],
    isRunning: [${look}], startWithin: 1s, stopWithin: 1s${more} }\n`;
}

const all = ['database', 'api', 'idle'] as const;

/** Two that run, one that did not before. */
function threeServices(scene: FailureScene, faults: Faults = {}): string {
  return `${sources(scene)}\nservices:\n${service(scene, 'database')}${service(scene, 'api', { ...faults, more: ', after: [database]' })}${service(scene, 'idle')}`;
}

function start(scene: FailureScene): void {
  for (const name of ['database', 'api']) writeFileSync(scene.at(`${name}.runs`), '');
}

function running(scene: FailureScene): readonly string[] {
  return all.filter((name) => isThere(scene, name));
}

function isThere(scene: FailureScene, name: string): boolean {
  return scene.exists(`${name}.runs`);
}

const frozen = { services: all, sources: [], maintenance: false };
const once = (scene: FailureScene, call: string) =>
  expect(
    scene
      .read('calls')
      .split('\n')
      .filter((each) => each === call),
  ).toHaveLength(1);

function freezing(change: Partial<FailingWay> & { readonly faults: Faults }): FailingWay {
  const { faults, ...rest } = change;
  return {
    fault: '',
    prepare: start,
    yaml: (scene) => threeServices(scene, faults),
    steps: () => [
      { id: 'it', kind: 'freeze', input: frozen },
      { id: 'thaw', kind: 'thaw', input: { of: 'it' } },
    ],
    says: /./,
    // What could be stopped is, so that as few as can be write.
    holds: (scene) => expect(running(scene)).toEqual(['api']),
    done(scene) {
      expect(running(scene)).toEqual(['database', 'api']);
      once(scene, 'stop database');
      once(scene, 'start database');
      expect(scene.read('calls')).not.toContain('idle');
    },
    state: running,
    ...rest,
  };
}

function thawing(change: Partial<FailingWay> & { readonly faults: Faults }): FailingWay {
  const { faults, ...rest } = change;
  return {
    fault: '',
    prepare(scene) {
      start(scene);
      // It breaks when all is stopped.
      rmSync(scene.at('broken'));
    },
    yaml: (scene) => `${threeServices(scene, faults)}${breakCommand(scene)}`,
    steps: () => [
      { id: 'freeze', kind: 'freeze', input: frozen },
      breaking,
      { id: 'it', kind: 'thaw', input: { of: 'freeze' } },
    ],
    says: /./,
    holds: (scene) => expect(running(scene)).toEqual(['database']),
    done(scene) {
      expect(running(scene)).toEqual(['database', 'api']);
      once(scene, 'start database');
      expect(scene.read('calls')).not.toContain('idle');
    },
    state: running,
    ...rest,
  };
}

/** Between two steps something breaks. */
const breaking = {
  id: 'break',
  kind: 'command',
  isDestructive: false,
  input: { name: 'break' },
} as const;
const breakCommand = (scene: FailureScene) =>
  `recovery: { after: [{ name: break, command: [${scene.script('break', 'touch broken')}], undo: ["true"] }] }`;

function restarting(change: Partial<FailingWay> & { readonly faults: Faults }): FailingWay {
  const { faults, ...rest } = change;
  return {
    fault: '',
    prepare: start,
    yaml: (scene) => threeServices(scene, faults),
    steps: () => [{ id: 'it', kind: 'restart', input: { service: 'api' } }],
    says: /./,
    holds: (scene) => expect(running(scene)).toEqual(['database']),
    done(scene) {
      expect(running(scene)).toEqual(['database', 'api']);
      once(scene, 'start api');
    },
    state: running,
    ...rest,
  };
}

/** A real web server in the background. */
const serve = (folder: string) =>
  `busybox httpd -f -p 127.0.0.1:$LIFEBOAT_TEST_PORT -h ${folder} &`;

function trying(change: Partial<FailingWay> & { readonly broken: string }): FailingWay {
  const { broken, ...rest } = change;
  let snapshot: string;
  const test = (scene: FailureScene, name: string) => {
    const at = name === 'api' ? scene.ports[0] : scene.ports[1];
    const begin = scene.script(
      `try-${name}`,
      `${serve('"$LIFEBOAT_FOLDER"')}\necho $! > ${name}.pid`,
      name === 'worker' ? broken : '',
    );
    const end = scene.script(
      `end-${name}`,
      `[ ! -e ${name}.pid ] || kill $(cat ${name}.pid); rm -f ${name}.pid`,
    );
    return `  ${name}: { platform: shell, start: ["true"], stop: ["true"], isRunning: ["true"], startWithin: 1s, writes: [uploads],
    test: { start: [${begin}], stop: [${end}], port: ${at}, checks: [{ http: "http://127.0.0.1:${at}/a", contains: "a of the backup", within: 1s }] } }\n`;
  };
  return {
    fault: '',
    async prepare(scene) {
      snapshot = await scene.backUpFiles();
      writeFileSync(scene.at('uploads', 'a'), 'damaged');
    },
    yaml: (scene) => `${sources(scene)}\nservices:\n${test(scene, 'api')}${test(scene, 'worker')}`,
    steps: () => [
      {
        id: 'restore',
        kind: 'restore-files',
        isDestructive: false,
        input: { source: 'uploads', snapshot, into: 'run-folder', replace: 'changed' },
      },
      {
        id: 'it',
        kind: 'test-services',
        isDestructive: false,
        input: { source: 'uploads', of: 'restore', services: ['api', 'worker'] },
      },
    ],
    says: /./,
    holds: (scene) => expect(scene.read(join('uploads', 'a'))).toBe('damaged'),
    state: (scene) => scene.read(join('uploads', 'a')),
    ...rest,
  };
}

interface Watched extends Partial<FailingWay> {
  /** What the health check of the second service does while it is broken. */
  readonly broken: string;
  readonly within?: string;
  /** Instead: a server that answers in this way. */
  readonly serves?: string;
}

function watching({ broken, within = '60s', serves, ...rest }: Watched): FailingWay {
  const entry = (name: string, health: string) =>
    `  ${name}: { platform: shell, start: ["true"], stop: ["true"], isRunning: ["true"], health: ${health} }\n`;
  return {
    fault: '',
    yaml(scene) {
      const script = scene.script('healthy', 'exit 0', broken);
      const command = `{ command: [${script}], within: ${within} }`;
      const http = `{ http: "http://127.0.0.1:${scene.ports[0]}/", contains: well, within: 60s }`;
      return `${sources(scene)}\nservices:\n${entry('database', '{ command: ["true"] }')}${entry('api', serves === undefined ? command : http)}`;
    },
    prepare(scene) {
      if (serves !== undefined) answer(scene, serves);
    },
    steps: () => [
      {
        id: 'it',
        kind: 'watch',
        isDestructive: false,
        input: { services: ['database', 'api'], sources: [], durationMs: 1 },
      },
    ],
    says: /./,
    passesMs: 5_000,
    ...rest,
  };
}

/** A service over HTTP that is not well while the fault is there. */
function answer(scene: FailureScene, wrong: string): void {
  const server = createServer((request, response) => {
    if (!scene.exists('broken')) return void response.end('well');
    writeFileSync(scene.at('hangs'), '');
    if (wrong === '') request.socket.destroy();
    else response.end(wrong);
  });
  server.listen(scene.ports[0], '127.0.0.1');
  scene.defer(() => void server.close());
}

export const byServices: FailureTable = {
  watch: {
    'time-out': watching({
      fault: 'the health check of a service does not end',
      broken: 'touch hangs; exec sleep 600',
      within: '1s',
      says: /api is not well after the recovery: .*(did not end|no answer) within/,
    }),
    'non-zero': watching({
      fault: 'the health check of a service ends with 3',
      broken: `touch hangs; ${refuse}`,
      says: /api is not well after the recovery: .*ended with 3: no route to host/,
    }),
    partial: watching({
      fault: 'one of two services answers, without what has to be in it',
      broken: '',
      serves: 'half',
      says: /api is not well after the recovery: /,
    }),
    cut: watching({
      fault: 'a service cuts each connection',
      broken: '',
      serves: '',
      says: /api is not well after the recovery: .*(cut|closed|hang up)/,
    }),
    'wrong answer': watching({
      fault: 'a service answers with something else',
      broken: '',
      serves: 'moved to another place',
      says: /api is not well after the recovery: /,
    }),
  },
  assess: {
    'time-out': { cannot: onlyLooks },
    'non-zero': { cannot: onlyLooks },
    partial: { cannot: onlyLooks },
    cut: {
      fault: 'Ctrl-C is pressed while the output of a service does not end',
      yaml: (scene) => `${sources(scene)}
services:
  api: { platform: shell, start: ["true"], stop: ["true"], isRunning: ["true"], output: [${scene.script('say', 'echo ready', hang)}], writes: [uploads] }`,
      steps: () => [
        { id: 'it', kind: 'assess', isDestructive: false, input: { sources: ['uploads'] } },
      ],
      cancels: (scene) => scene.exists('hangs'),
      code: 'cancelled',
      says: /step "Do it" was interrupted/,
    },
    'wrong answer': { cannot: onlyLooks },
  },
  freeze: {
    'time-out': freezing({
      fault: 'a service does not stop in time',
      faults: { stop: hang },
      says: /the freeze is not complete: the service api still runs: .* within 1\.0 s/,
    }),
    'non-zero': freezing({
      fault: 'the command that stops a service ends with 3',
      faults: { stop: refuse },
      says: /the freeze is not complete: the service api still runs: .*no route to host/,
    }),
    partial: freezing({
      fault: 'one of two services says that it stopped, and writes on',
      faults: { stop: 'exit 0' },
      says: /the freeze is not complete: the service api still runs: .*it still runs/,
    }),
    'wrong answer': freezing({
      fault: 'whether a service runs is answered with 7',
      faults: { isRunning: 'exit 7' },
      says: /api.*see whether it runs/,
    }),
  },
  thaw: {
    'time-out': thawing({
      fault: 'a service does not start in time',
      faults: { start: hang },
      says: /not everything could be thawed: .*api.* within 1\.0 s/,
    }),
    'non-zero': thawing({
      fault: 'the command that starts a service ends with 3',
      faults: { start: refuse },
      says: /not everything could be thawed: .*api.*no route to host/,
    }),
    partial: thawing({
      fault: 'one of two services says that it started, and does not run',
      faults: { start: 'exit 0' },
      says: /not everything could be thawed: .*api.*it does not run yet/,
    }),
    'wrong answer': thawing({
      fault: 'whether a service runs is answered with 7',
      faults: { isRunning: 'exit 7' },
      says: /not everything could be thawed: .*api/,
    }),
  },
  restart: {
    'time-out': restarting({
      fault: 'it does not start in time',
      faults: { start: hang },
      says: /cannot start the service api within 1\.0 s: it does not run yet/,
    }),
    'non-zero': restarting({
      fault: 'the command that starts it ends with 3',
      faults: { start: refuse },
      says: /cannot start the service api: no route to host/,
    }),
    partial: restarting({
      fault: 'it was stopped, and says that it started',
      faults: { start: 'exit 0' },
      says: /cannot start the service api within 1\.0 s: it does not run yet/,
    }),
    'wrong answer': restarting({
      fault: 'whether it runs is answered with 7',
      faults: { isRunning: 'exit 7' },
      says: /see whether it runs/,
      holds: (scene) => expect(running(scene)).toEqual(['database', 'api']),
      isAsked: true,
    }),
  },
  'test-services': {
    'time-out': trying({
      fault: 'the second service does not start',
      broken: hang,
      passesMs: 10 * 60_000,
      says: /did not end within/,
    }),
    'non-zero': trying({
      fault: 'the second service ends with 3',
      broken: refuse,
      says: /does not do for the services: worker: start: .*ended with 3: no route to host/,
    }),
    partial: trying({
      fault: 'one of two works, the other never answers',
      broken: 'exit 0',
      says: /does not do for the services: worker: GET .*nobody listens there$/,
    }),
    cut: trying({
      fault: 'the second service cuts each connection',
      broken: 'busybox nc -ll -p $LIFEBOAT_TEST_PORT -e false &\necho $! > worker.pid; exit 0',
      says: /does not do for the services: worker: GET .*: .*(cut|closed|socket)/,
    }),
    'wrong answer': trying({
      fault: 'the second service answers with something else',
      broken: `mkdir -p other; echo else > other/a; ${serve('other')}\necho $! > worker.pid; exit 0`,
      says: /does not do for the services: worker: GET .*/,
    }),
  },
};
