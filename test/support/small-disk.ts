import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { temporaryFolder } from './postgres.ts';

export interface SmallDisk extends Disposable {
  /** Where it is mounted. */
  readonly folder: string;
  /** Takes all room but this much. */
  fill(leaveBytes: number): void;
  makeRoom(): void;
}

/** A file system in memory of that size. Skips the test where mounting is not allowed. */
export function smallDisk(context: TestContext, sizeMib: number): SmallDisk {
  const outer = temporaryFolder('small-disk');
  const folder = join(outer, 'disk');
  mkdirSync(folder);
  const options = `size=${sizeMib}m,mode=755`;
  mount(context, ['-t', 'tmpfs', '-o', options, 'lifeboat-test', folder], outer);
  return mounted(outer, folder);
}

export interface ImageDisk extends SmallDisk {
  /** What a loss of power now would leave, mounted, while `look` looks at it. */
  afterPowerLoss<Value>(look: (folder: string) => Value): Value;
}

/** An ext4 file system in a file. Skips the test where that is not possible. */
export function imageDisk(context: TestContext, sizeMib: number): ImageDisk {
  const outer = temporaryFolder('image-disk');
  const [folder, image] = [join(outer, 'disk'), join(outer, 'image')];
  mkdirSync(folder);
  writeFileSync(image, Buffer.alloc(sizeMib * 2 ** 20));
  try {
    execFileSync('mkfs.ext4', ['-q', image], { stdio: 'ignore' });
  } catch {
    rmSync(outer, { recursive: true });
    context.skip('mkfs.ext4 is not installed');
  }
  mount(context, ['-o', 'loop', image, folder], outer);
  return Object.assign(mounted(outer, folder), {
    afterPowerLoss<Value>(look: (folder: string) => Value): Value {
      const [copy, place] = [join(outer, 'copy'), join(outer, 'after')];
      copyFileSync(image, copy);
      mkdirSync(place, { recursive: true });
      execFileSync('mount', ['-o', 'loop', copy, place]);
      try {
        return look(place);
      } finally {
        execFileSync('umount', [place]);
        rmSync(copy);
      }
    },
  });
}

function mount(context: TestContext, args: readonly string[], outer: string): void {
  try {
    execFileSync('mount', args, { stdio: 'ignore' });
  } catch {
    rmSync(outer, { recursive: true });
    context.skip('this machine does not let this user mount');
  }
}

function mounted(outer: string, folder: string): SmallDisk {
  const ballast = join(folder, 'ballast');
  return {
    folder,
    fill(leaveBytes) {
      const { bavail, bsize } = statfsSync(folder);
      try {
        writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)));
      } catch (error) {
        // Somebody else wrote meanwhile: what did not fit any more is there already.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    },
    makeRoom: () => rmSync(ballast),
    [Symbol.dispose]() {
      execFileSync('umount', ['-l', folder]);
      rmSync(outer, { recursive: true, force: true });
    },
  };
}
