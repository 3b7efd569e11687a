import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { lookAtKernel } from './look-at-kernel.ts';
import { foundOf } from './part.ts';
import { PartRunner } from './part-runner.ts';

// As Linux 6.18 and util-linux 2.41 said it.
const recorded = `2026-11-27T06:23:11,898753+00:00 loop0: detected capacity change from 0 to 32768
2026-11-27T06:23:11,917937+00:00 EXT4-fs (loop0): mounted filesystem 18e827db-597c-44ec-9e0b-bbfb38345944 r/w with ordered data mode. Quota mode: none.
2026-11-27T06:23:11,955736+00:00 EXT4-fs error (device loop0): trigger_test_error:129: comm bash: 1
2026-11-27T06:23:11,956696+00:00 Aborting journal on device loop0-8.
2026-11-27T06:23:11,977607+00:00 EXT4-fs (loop0): Remounting filesystem read-only`;
const since = new Date('2026-11-27T00:00:00Z');

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('kernel');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A program of this name that notes its arguments and says this. */
function program(name: string, says: string, exitCode = 0): void {
  const file = join(folder, name);
  writeFileSync(
    file,
    `#!/bin/sh\necho ${name} "$@" >> '${folder}/calls'\ncat <<'END'\n${says}\nEND\necho refused >&2\nexit ${exitCode}\n`,
  );
  chmodSync(file, 0o755);
}

async function look(limitMs = 20_000) {
  const environment = { PATH: `${folder}:/usr/bin:/bin` };
  return await new PartRunner({ limitMs }).run('host: kernel', limitMs, (part) =>
    lookAtKernel(since, environment, part),
  );
}

it('picks from the journal what speaks of disks and memory, since the moment that is asked for', async () => {
  program('journalctl', recorded);
  program('dmesg', 'dmesg was asked');
  expect(foundOf(await look())).toEqual({
    origin: 'journalctl -k',
    linesRead: 5,
    matched: 2,
    lines: [recorded.split('\n')[2], recorded.split('\n')[4]],
  });
});

it.each([
  ['has nothing', '', 0],
  ['refuses', '', 1],
])('takes the buffer of the kernel where the journal %s', async (_, says, exitCode) => {
  if (exitCode === 0) writeFileSync(join(folder, 'journalctl'), '#!/bin/sh\nexit 0\n');
  else program('journalctl', says, exitCode);
  if (exitCode === 0) chmodSync(join(folder, 'journalctl'), 0o755);
  program('dmesg', recorded);
  expect(foundOf(await look())).toMatchObject({ origin: 'dmesg', linesRead: 5, matched: 2 });
});

it('takes of the buffer what is from since then, and what has no time', async () => {
  const old = 'I/O error, dev sda, sector 8';
  program('dmesg', `2026-11-26T23:59:59,999999+00:00 ${old}\n${recorded}\n[   12.5] ${old}`);
  expect(foundOf(await look())).toMatchObject({ linesRead: 6, matched: 3 });
});

it('says why nothing could be looked at, and takes nothing for sound', async () => {
  program('journalctl', '', 1);
  program('dmesg', '', 1);
  expect(await look()).toMatchObject({
    looked: false,
    code: 'platform.failed',
    why: 'cannot read the messages of the kernel: dmesg: refused',
  });
});

it('ends when a program does not', async () => {
  writeFileSync(join(folder, 'journalctl'), '#!/bin/sh\nexec sleep 600\n');
  chmodSync(join(folder, 'journalctl'), 0o755);
  expect(await look(300)).toMatchObject({ looked: false });
});

it('leaves out drives without a disk, which every virtual machine has', async () => {
  program(
    'journalctl',
    `blk_update_request: I/O error, dev fd0, sector 0 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 0
Buffer I/O error on dev sr0, logical block 0, async page read
I/O error, dev sda, sector 8`,
  );
  expect(foundOf(await look())?.lines).toEqual(['I/O error, dev sda, sector 8']);
});
