import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { FailingWay, FailureTable } from './failing-way.ts';
import type { FailureScene } from './failure-scene.ts';

// Kinds that run commands of the configuration.

const minutes = 60_000;
const hours = 60 * minutes;
/** Between two looks whether a command took effect. */
const effectMs = 2_000;
const hang = 'touch hangs; exec sleep 600';
const refuse = 'echo "no route to host" >&2; exit 3';
const uploads = (scene: FailureScene) =>
  `sources: { uploads: { kind: files, paths: [${scene.at('uploads')}], ground: { kind: folder, folder: ${scene.at('uploads')} } } }`;
const saysByExitCode =
  'a command of the configuration has a connection of its own or none; that it was cut it tells by how it ends (non-zero), or does not (time-out)';

function lines(scene: FailureScene, name: string): readonly string[] {
  return scene.read(name).split('\n').filter(Boolean);
}

function isolating(change: Partial<FailingWay> & { readonly broken: string }): FailingWay {
  const { broken, ...rest } = change;
  return {
    fault: '',
    yaml: (scene) => `${uploads(scene)}
recovery: { isolate: [{ name: outside, command: [${scene.script('outside', 'echo outside >> closed')}] },
  { name: inside, command: [${scene.script('inside', 'echo inside >> closed', broken)}] }] }`,
    steps: () => [
      {
        id: 'it',
        kind: 'isolate',
        title: 'Cut it off',
        input: { services: [], commands: ['outside', 'inside'] },
      },
    ],
    says: /./,
    holds: (scene) => expect(lines(scene, 'closed')).toEqual(['outside']),
    done: (scene) => expect(lines(scene, 'closed')).toEqual(['outside', 'outside', 'inside']),
    stays: /Cut it off/,
    ...rest,
  };
}

function copying(change: Partial<FailingWay> & { readonly broken?: string }): FailingWay {
  const { broken = '', ...rest } = change;
  return {
    fault: '',
    prepare(scene) {
      mkdirSync(scene.at('uploads'));
      for (const name of ['a', 'b']) writeFileSync(scene.at('uploads', name), name);
    },
    yaml: (scene) => `${uploads(scene)}
recovery: { forensicCopies: [{ name: disk, command: [${scene.script('disk', 'echo disk >> images', broken)}] }] }`,
    steps: () => [
      {
        id: 'it',
        kind: 'forensic-copy',
        isDestructive: false,
        input: { copies: ['disk'], sources: ['uploads'] },
      },
    ],
    says: /./,
    done(scene) {
      const [sums] = execFileSync('find', [scene.at('state/forensic'), '-name', '*SHA256SUMS'], {
        encoding: 'utf8',
      }).split('\n');
      const cwd = (sums as string).replace('.SHA256SUMS', '');
      const checked = execFileSync('sha256sum', ['--strict', '-c', sums as string], { cwd });
      expect(checked.toString().split('\n').filter(Boolean)).toHaveLength(2);
    },
    ...rest,
  };
}

/** A `cp` before the real one. */
function copier(scene: FailureScene, broken: string): void {
  scene.script('bin/cp', 'exec /bin/cp "$@"', `for to in "$@"; do :; done\n${broken}`);
}

function noSums(scene: FailureScene): void {
  const found = execFileSync('find', [scene.at('state'), '-name', '*SHA256SUMS']).toString();
  expect(found).toBe('');
}

const named = ['api', 'worker'] as const;

function pointing(change: Partial<FailingWay> & { readonly broken: string }): FailingWay {
  const { broken, ...rest } = change;
  const isPatient = rest.passesMs === effectMs;
  const service = (scene: FailureScene, name: string) => {
    const command = scene.script(
      `point-${name}`,
      `echo "$LIFEBOAT_FOLDER" > ${name}.place; echo ${name} >> pointed`,
      name === 'worker' ? broken : '',
    );
    const isDone = scene.script(
      `done-${name}`,
      `${isPatient ? 'touch hangs; ' : ''}grep -qx "$LIFEBOAT_FOLDER" ${name}.place`,
    );
    const undo = scene.script(`back-${name}`, `echo former > ${name}.place`);
    return `${name}: { platform: shell, start: ["true"], stop: ["true"], isRunning: ["true"], writes: [uploads], switch: { command: [${command}], undo: [${undo}], isDone: [${isDone}] } }`;
  };
  return {
    fault: '',
    ...afterDelivery(
      (scene) =>
        `${uploads(scene)}\nservices: { ${named.map((name) => service(scene, name)).join(', ')} }`,
      {
        id: 'it',
        kind: 'point-services',
        input: { source: 'uploads', of: 'deliver', services: named },
      },
    ),
    says: /./,
    holds: (scene) => expect(scene.read('worker.place')).toBe('former\n'),
    done(scene) {
      expect(scene.read('worker.place')).toBe(`${scene.at('uploads')}\n`);
      expect(lines(scene, 'pointed').filter((each) => each === 'api')).toHaveLength(1);
    },
    state: (scene) => named.map((name) => scene.read(`${name}.place`)),
    ...rest,
  };
}

/** A step that works with what former ones brought: the files of a backup, restored and delivered. */
function afterDelivery(
  yaml: (scene: FailureScene) => string,
  it: ReturnType<FailingWay['steps']>[number],
): Pick<FailingWay, 'prepare' | 'yaml' | 'steps'> {
  let snapshot: string;
  return {
    async prepare(scene) {
      for (const name of named) writeFileSync(scene.at(`${name}.place`), 'former\n');
      snapshot = await scene.backUpFiles();
    },
    yaml,
    steps: () => [
      {
        id: 'restore',
        kind: 'restore-files',
        isDestructive: false,
        input: { source: 'uploads', snapshot, into: 'run-folder', replace: 'changed' },
      },
      {
        id: 'deliver',
        kind: 'deliver',
        isDestructive: false,
        input: { source: 'uploads', of: 'restore' },
      },
      it,
    ],
  };
}

function commanding(change: Partial<FailingWay> & { readonly broken: string }): FailingWay {
  const { broken, ...rest } = change;
  return {
    fault: '',
    yaml: (scene) => `${uploads(scene)}
recovery: { after: [{ name: migrate, within: 1s, command: [${scene.script('migrate', 'echo new > half; echo new > schema', broken)}],
  isDone: [${scene.script('is-done', 'grep -qx new schema')}], undo: [${scene.script('undo', 'echo old > half; echo old > schema')}] }] }`,
    prepare(scene) {
      for (const name of ['half', 'schema']) writeFileSync(scene.at(name), 'old\n');
    },
    steps: () => [
      { id: 'it', kind: 'command', input: { name: 'migrate' } },
      { id: 'after', kind: 'manual', input: { instruction: 'look', typed: '' } },
    ],
    says: /./,
    holds: (scene) => expect(scene.read('schema')).toBe('old\n'),
    done: (scene) => expect([scene.read('half'), scene.read('schema')]).toEqual(['new\n', 'new\n']),
    // Its undo is for what was done: after a half of it, it might go one step too far back.
    stays: /Do it \(was begun, and was found not done; a part/,
    state: (scene) => scene.read('schema'),
    ...rest,
  };
}

function rotating(change: Partial<FailingWay> & { readonly broken: string }): FailingWay {
  const { broken, ...rest } = change;
  const credentials = ['payments', 'mail'].map((name) => ({
    name,
    from: 'configuration',
    how: '',
  }));
  return {
    fault: '',
    yaml: (scene) => `${uploads(scene)}
recovery: { credentials: [{ name: payments, rotate: [${scene.script('payments', 'echo payments >> rotated')}] },
  { name: mail, rotate: [${scene.script('mail', 'echo mail >> rotated; echo hunter2', broken)}] }] }`,
    steps: () => [
      { id: 'it', kind: 'rotate-credentials', title: 'Change them', input: { credentials } },
    ],
    says: /./,
    holds: (scene) => expect(lines(scene, 'rotated')).toEqual(['payments']),
    isAsked: true,
    // One that was changed twice locks somebody out.
    done: (scene) => expect(lines(scene, 'rotated')).toEqual(['payments', 'mail']),
    stays: /Change them/,
    ...rest,
  };
}

export const byCommands: FailureTable = {
  isolate: {
    'time-out': isolating({
      fault: 'the second command does not end',
      broken: hang,
      passesMs: 10 * minutes,
      says: /cannot isolate inside: .*did not end within/,
    }),
    'non-zero': isolating({
      fault: 'the second command ends with 3',
      broken: refuse,
      says: /could not isolate inside: .*ended with 3: no route to host/,
    }),
    partial: isolating({
      fault: 'the second command is killed half-way',
      broken: 'kill -9 $$',
      says: /cannot isolate inside: .* was ended by SIGKILL/,
    }),
  },
  'forensic-copy': {
    'time-out': copying({
      fault: 'the command does not end',
      broken: hang,
      passesMs: 24 * hours,
      says: /did not end within/,
      holds: noSums,
    }),
    'non-zero': copying({
      fault: 'the command ends with 3',
      broken: refuse,
      says: /could not copy disk: .*ended with 3: no route to host/,
      holds: noSums,
    }),
    partial: copying({
      fault: 'cp copies one of two files',
      prepare(scene) {
        mkdirSync(scene.at('uploads'));
        for (const name of ['a', 'b']) writeFileSync(scene.at('uploads', name), name);
        copier(
          scene,
          'mkdir -p "$to"; /bin/cp uploads/a "$to"; echo "input/output error" >&2; exit 1',
        );
      },
      says: /could not copy .*uploads as it is: cp ended with 1: input\/output error/,
      holds: noSums,
    }),
    cut: { cannot: saysByExitCode },
    'wrong answer': copying({
      fault: 'cp says that it is done, and did nothing',
      prepare(scene) {
        mkdirSync(scene.at('uploads'));
        for (const name of ['a', 'b']) writeFileSync(scene.at('uploads', name), name);
        copier(scene, 'exit 0');
      },
      says: /cp ended with 0, but .* is not there/,
      holds: noSums,
    }),
  },
  'point-services': {
    'time-out': pointing({
      fault: 'the command of the second service does not end',
      broken: hang,
      passesMs: 10 * minutes,
      says: /cannot point worker at the restored uploads: .*did not end within/,
    }),
    'non-zero': pointing({
      fault: 'the command of the second service ends with 3',
      broken: refuse,
      says: /could not point worker at the restored uploads: .*ended with 3: no route to host/,
    }),
    partial: pointing({
      fault: 'one service is pointed there, the other half',
      broken: 'echo "half of it" > worker.place; exit 1',
      says: /could not point worker at the restored uploads: .*ended with 1/,
      holds: (scene) => expect(scene.read('api.place')).toBe(`${scene.at('uploads')}\n`),
    }),
    cut: { cannot: saysByExitCode },
    'wrong answer': pointing({
      fault: 'the command of the second service says that it did, and did not',
      broken: 'exit 0',
      passesMs: effectMs,
      says: /worker does not point at the restored uploads although .* ended with 0/,
    }),
  },
  command: {
    'time-out': commanding({
      fault: 'it does not end',
      broken: hang,
      says: /cannot do "migrate": .*did not end within 1.0 s/,
    }),
    'non-zero': commanding({
      fault: 'it ends with 3',
      broken: refuse,
      says: /could not do "migrate": .*ended with 3: no route to host/,
    }),
    partial: commanding({
      fault: 'it does half of it',
      broken: 'echo new > half; echo "half of it" >&2; exit 1',
      says: /could not do "migrate": .*ended with 1: half of it/,
    }),
    cut: { cannot: saysByExitCode },
    'wrong answer': commanding({
      fault: 'it says that it did, and did not',
      broken: 'exit 0',
      says: /"migrate" is not done although .*migrate ended with 0/,
    }),
  },
  'rotate-credentials': {
    'time-out': rotating({
      fault: 'the second command does not end',
      broken: hang,
      passesMs: 10 * minutes,
      says: /cannot change mail: .*did not end within/,
    }),
    'non-zero': rotating({
      fault: 'the second command ends with 3',
      broken: refuse,
      says: /could not change mail: .*ended with 3/,
    }),
    partial: rotating({
      fault: 'the second command changes it, and is killed',
      broken: 'echo half >> rotated; kill -9 $$',
      says: /cannot change mail: .*was ended by SIGKILL/,
      holds: (scene) => expect(lines(scene, 'rotated')).toEqual(['payments', 'half']),
      done: (scene) => expect(lines(scene, 'rotated')).toEqual(['payments', 'half', 'mail']),
    }),
    cut: { cannot: saysByExitCode },
    'wrong answer': {
      cannot:
        'what it prints may be the secret and is not read: its exit code is all it says, and nobody else can tell',
    },
  },
};
