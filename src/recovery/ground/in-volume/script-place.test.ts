import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../../../test/support/programs.ts';
import { localShell } from '../../../../test/support/script-runner.ts';
import { need } from '../../../../test/support/skip.ts';
import { smallDisk } from '../../../../test/support/small-disk.ts';
import { testTreeGround } from '../ground-contract.ts';
import { TreeGround } from '../tree-ground.ts';
import { ScriptPlace } from './script-place.ts';

for (const [shell, where] of [
  ['sh', 'folder'],
  ['busybox', 'mount point'],
] as const) {
  testTreeGround(
    `the script in ${shell}, ${where}`,
    async (context) => {
      const program = shell === 'busybox' ? findProgram('busybox') : undefined;
      if (shell === 'busybox') need(context, program, 'busybox is not installed');
      const disk = smallDisk(context, 400);
      const local = localShell(program);
      const seen = where === 'folder' ? join(disk.folder, "it's a\tfolder \\040") : disk.folder;
      mkdirSync(seen, { recursive: true });
      const named = where === 'folder' ? join(disk.folder, 'link') : seen;
      if (named !== seen) symlinkSync(seen, named);
      return {
        folder: seen,
        ground: new TreeGround(new ScriptPlace(local.runner(named))),
        dyingBefore: (change) => new TreeGround(new ScriptPlace(local.dyingBefore(named, change))),
        removeTarget: async () => {
          if (where === 'folder') rmSync(seen, { recursive: true });
        },
        async [Symbol.asyncDispose]() {
          disk[Symbol.dispose]();
          local[Symbol.dispose]();
        },
      };
    },
    { keepsAttributes: shell === 'sh', isKilled: true },
  );
}
