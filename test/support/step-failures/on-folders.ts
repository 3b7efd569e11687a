import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { smallDisk } from '../small-disk.ts';
import type { FailingWay, FailureTable, StepsOfTest } from './failing-way.ts';
import type { FailureScene } from './failure-scene.ts';

// Kinds that put files of a backup in place, on a ground that is a file system of its own: there a swap has several moves.

const mib = 2 ** 20;
const noProgram = 'it starts no program';
const waitsForNothing =
  'files of this host: nothing is waited for, what is done is shown as it goes, and it can be cancelled at any entry';

interface OnDisk extends Omit<Partial<FailingWay>, 'prepare' | 'mend'> {
  /** The step that fails. */
  readonly it: 'deliver' | 'swap' | 'settle';
  /** Just before it. */
  readonly fault: string;
  readonly broken: (scene: FailureScene) => string;
  readonly mended: (scene: FailureScene) => string;
}

function onDisk({ it, broken, mended, ...rest }: OnDisk): FailingWay {
  let snapshot: string;
  const input = { source: 'uploads', of: 'deliver' };
  const steps: Record<'restore' | 'deliver' | 'swap' | 'settle', StepsOfTest[number]> = {
    restore: {
      id: 'restore',
      kind: 'restore-files',
      isDestructive: false,
      input: { source: 'uploads', snapshot: '', into: 'run-folder', replace: 'changed' },
    },
    deliver: {
      id: 'deliver',
      kind: 'deliver',
      isDestructive: false,
      input: { source: 'uploads', of: 'restore' },
    },
    swap: { id: 'swap', kind: 'swap', input },
    settle: { id: 'settle', kind: 'settle', input: { ...input, of: 'swap', afterMs: 0 } },
  };
  return {
    async prepare(scene) {
      snapshot = await scene.backUpFiles();
      const disk = scene.use(smallDisk(scene.context, 4));
      scene.disk = disk.folder;
      for (const name of ['a', 'b']) writeFileSync(join(disk.folder, name), `${name} of now`);
      scene.defer(() => void execFileSync(scene.script('free', free(scene))));
    },
    yaml: (
      scene,
    ) => `sources: { uploads: { kind: files, paths: [${scene.at('uploads')}], ground: { kind: folder, folder: ${scene.disk} } } }
recovery: { after: [{ name: break, command: [${scene.script('break', broken(scene))}], undo: ["true"] }] }`,
    steps() {
      const names = Object.keys(steps) as (keyof typeof steps)[];
      return names.slice(0, names.indexOf(it) + 1).flatMap((name) => {
        const step = { ...steps[name] };
        if (name === 'restore') step.input = { ...step.input, snapshot };
        if (name !== it) return [step];
        const others = { of: it === 'settle' ? 'swap' : it === 'swap' ? 'deliver' : 'restore' };
        return [
          { id: 'break', kind: 'command', isDestructive: false, input: { name: 'break' } },
          { ...step, id: 'it', input: { ...step.input, ...others } },
        ];
      });
    },
    says: /./,
    mend: (scene) => void execFileSync(scene.script('mend', mended(scene))),
    state: (scene) => inPlace(scene),
    ...rest,
  };
}

function inPlace(scene: FailureScene): Readonly<Record<string, string>> {
  const names = readdirSync(scene.disk).filter((name) => !name.startsWith('.'));
  return Object.fromEntries(
    names.sort().map((name) => [name, readFileSync(join(scene.disk, name), 'utf8')]),
  );
}

const asNow = { a: 'a of now', b: 'b of now' };
const asOfBackup = { a: 'a of the backup', b: 'b of the backup' };
const isAsNow = (scene: FailureScene) => expect(inPlace(scene)).toEqual(asNow);
const isAsOfBackup = (scene: FailureScene) => expect(inPlace(scene)).toEqual(asOfBackup);
const free = (scene: FailureScene) => `find ${scene.disk} -type f -exec chattr -i {} +`;
/** What stands for a pattern of paths is moved, and back. */
const away = (pattern: string) => `ls -d ${pattern} > place; mv "$(cat place)" away`;
const back = 'mv away "$(cat place)"';
/** Where the ground keeps what this run delivered. */
const ofRun = (scene: FailureScene) => `${scene.disk}/.lifeboat/*`;

interface InPlace extends Partial<FailingWay> {
  readonly breaks: (scene: FailureScene) => void;
  readonly mends: (scene: FailureScene) => void;
}

function restoringInPlace({ breaks, mends, ...rest }: InPlace): FailingWay {
  let snapshot: string;
  return {
    fault: '',
    async prepare(scene) {
      snapshot = await scene.backUpFiles();
      for (const name of ['a', 'b']) writeFileSync(scene.at('uploads', name), 'encrypted');
      breaks(scene);
    },
    yaml: (scene) => `sources: { uploads: { kind: files, paths: [${scene.at('uploads')}] } }`,
    steps: () => [
      {
        id: 'it',
        kind: 'restore-files',
        title: 'Put them back',
        input: { source: 'uploads', snapshot, into: 'in-place', replace: 'changed' },
      },
    ],
    says: /./,
    mend: mends,
    done(scene) {
      for (const name of ['a', 'b']) {
        expect(scene.read(join('uploads', name))).toBe(`${name} of the backup`);
      }
    },
    stays: /Put them back/,
    ...rest,
  };
}

function pack(scene: FailureScene): { readonly folder: string; readonly away: string } {
  return { folder: join(scene.repositoryFolder, 'data'), away: `${scene.repositoryFolder}.away` };
}

/** Turns one bit of every pack over; done twice all is as before. */
function turnBits(scene: FailureScene): void {
  for (const each of readdirSync(pack(scene).folder, { recursive: true, withFileTypes: true })) {
    if (!each.isFile()) continue;
    const path = join(each.parentPath, each.name);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at += 50) bytes[at] = (bytes[at] as number) ^ 1;
    execFileSync('chmod', ['u+w', path]);
    writeFileSync(path, bytes);
  }
}

export const onFolders: FailureTable = {
  'restore-files': {
    'time-out': {
      cannot:
        'what a repository does not answer in time is an error of its location, which ends a read as a cut connection does (`src/repository/location`)',
    },
    'non-zero': { cannot: noProgram },
    partial: restoringInPlace({
      fault: 'one of two files may not be replaced',
      breaks: (scene) => void execFileSync('chattr', ['+i', scene.at('uploads/a')]),
      mends: (scene) => void execFileSync('chattr', ['-i', scene.at('uploads/a')]),
      says: /1 entries of uploads could not be restored; all others were/,
      holds(scene) {
        expect(scene.read('uploads/a')).toBe('encrypted');
        expect(scene.read('uploads/b')).toBe('b of the backup');
      },
    }),
    cut: restoringInPlace({
      fault: 'the packs of the repository vanish',
      breaks: (scene) => renameSync(pack(scene).folder, pack(scene).away),
      mends: (scene) => renameSync(pack(scene).away, pack(scene).folder),
      says: /uploads|repository|missing/,
      holds: (scene) => expect(scene.read('uploads/a')).toBe('encrypted'),
    }),
    'wrong answer': restoringInPlace({
      fault: 'the repository gives other bytes',
      breaks: turnBits,
      mends: turnBits,
      says: /the MAC does not match/,
      holds: (scene) => expect(scene.read('uploads/a')).toBe('encrypted'),
    }),
  },
  deliver: {
    partial: onDisk({
      it: 'deliver',
      fault: 'the disk is full half-way',
      broken: (scene) => `head -c ${8 * mib} /dev/zero > ${scene.disk}/ballast; exit 0`,
      mended: (scene) => `rm ${scene.disk}/ballast`,
      says: /room|full/,
      holds: (scene) => expect(inPlace(scene)).toMatchObject(asNow),
      done: isAsNow,
    }),
    'wrong answer': onDisk({
      it: 'deliver',
      fault: 'what was restored is not where it was left',
      broken: (scene) => away(restored(scene)),
      mended: () => back,
      says: /could not work at/,
      holds: isAsNow,
      done: isAsNow,
    }),
  },
  swap: {
    partial: onDisk({
      it: 'swap',
      fault: 'one of two files cannot be moved away',
      broken: (scene) => `chattr +i ${scene.disk}/b`,
      mended: free,
      says: /could not work at .*(EPERM|not permitted)/,
      holds: (scene) => expect(existsSync(join(scene.disk, 'b'))).toBe(true),
      done: isAsOfBackup,
    }),
    'wrong answer': onDisk({
      it: 'swap',
      fault: 'what was delivered is not there any more',
      broken: (scene) => away(`${ofRun(scene)}/new`),
      mended: () => back,
      says: /what was delivered there is gone/,
      holds: isAsNow,
      done: isAsOfBackup,
    }),
  },
  settle: {
    'time-out': { cannot: waitsForNothing },
    'non-zero': { cannot: noProgram },
    partial: onDisk({
      it: 'settle',
      fault: 'one of two former files cannot be removed',
      broken: (scene) => `chattr +i ${ofRun(scene)}/former/b`,
      mended: free,
      says: /could not work at /,
      holds: isAsOfBackup,
      done(scene) {
        isAsOfBackup(scene);
        expect(existsSync(join(scene.disk, '.lifeboat'))).toBe(false);
      },
      hasNoWayBack: true,
    }),
  },
};

function restored(scene: FailureScene): string {
  return `${scene.at('scratch')}/runs/*/restored/uploads`;
}
