import { describe, expect, it } from 'vitest';
import { isDamage } from './damage-finding.ts';
import { excerptOf } from './excerpt.ts';
import type { DiskState, HostDamage, MemoryState } from './host-damage.ts';
import { hostFindings } from './host-findings.ts';
import { kernelWords } from './look-at-kernel.ts';
import { parseMemory } from './look-at-memory.ts';
import type { Part } from './part.ts';

const gib = 2 ** 30;
const disk: DiskState = {
  mount: '/srv',
  device: '/dev/sdb1',
  fileSystem: 'ext4',
  sizeBytes: 100 * gib,
  freeBytes: 40 * gib,
  inodes: 1_000_000,
  freeInodes: 900_000,
  isReadOnly: false,
  holds: ['source database'],
};
const memory: MemoryState = {
  totalBytes: 8 * gib,
  availableBytes: 4 * gib,
  swapTotalBytes: 0,
  swapFreeBytes: 0,
  load: [0, 0, 0],
  processors: 2,
  upSince: '2026-11-01T00:00:00.000Z',
};

function looked<Found>(found: Found): Part<Found> {
  return { looked: true, found, gaps: [], durationMs: 1, limitMs: 1000 };
}

function hostWith(change: {
  readonly disk?: Partial<DiskState>;
  readonly memory?: Partial<MemoryState>;
  readonly kernel?: string;
}): HostDamage {
  const lines = (change.kernel ?? '').split('\n').filter((line) => line !== '');
  return {
    name: 'db-1',
    disks: looked([{ ...disk, ...change.disk }]),
    memory: looked({ ...memory, ...change.memory }),
    kernel: looked(excerptOf('dmesg', lines, kernelWords)),
  };
}

const told = (change: Parameters<typeof hostWith>[0]) =>
  hostFindings(hostWith(change)).map((each) => ({
    kind: each.kind,
    damage: isDamage(each),
    text: each.text,
  }));

it('has nothing to tell of a sound host, nor of what could not be looked at', () => {
  expect(hostFindings(hostWith({}))).toEqual([]);
  const none = { looked: false, why: 'no', code: 'platform.failed', durationMs: 1, limitMs: 1 };
  const blind = { name: 'db-1', disks: none, memory: none, kernel: none } as HostDamage;
  expect(hostFindings(blind)).toEqual([]);
});

describe('disks', () => {
  it.each([
    ['of which nothing is left', { freeBytes: 0 }, ['disk-full']],
    [
      'of which less than half a gigabyte and a fiftieth is left',
      { freeBytes: 0.4 * gib },
      ['disk-full'],
    ],
    ['that is large', { freeBytes: 0.6 * gib }, []],
    ['that is small', { sizeBytes: gib, freeBytes: 0.4 * gib }, []],
    ['that has no size', { sizeBytes: 0, freeBytes: 0 }, []],
    ['without inodes', { freeInodes: 9_999 }, ['disk-full']],
    ['with few inodes', { freeInodes: 10_000 }, []],
    ['that counts no inodes', { inodes: 0, freeInodes: 0 }, []],
    ['on which nothing of ours lies', { freeBytes: 0, holds: [] }, []],
  ] as const)('one %s', (_, change, kinds) => {
    expect(told({ disk: change }).map(({ kind }) => kind)).toEqual(kinds);
  });

  it('says how much is left, and what lies there', () => {
    expect(told({ disk: { freeBytes: 2 ** 20 } })).toEqual([
      {
        kind: 'disk-full',
        damage: true,
        text: '/srv (source database) is full: 1 MiB of 100 GiB are free',
      },
    ]);
    expect(told({ disk: { freeInodes: 3 } })).toEqual([
      {
        kind: 'disk-full',
        damage: true,
        text: '/srv (source database) takes no more files: 3 of 1000000 inodes are free',
      },
    ]);
  });

  it('that the kernel made read-only are damage, those that somebody mounted so are not', () => {
    const full = { isReadOnly: true, freeBytes: 0, freeInodes: 0 };
    expect(told({ disk: { ...full, readOnlyBy: 'errors' } })).toEqual([
      {
        kind: 'disk-read-only',
        damage: true,
        text: '/srv (source database) was made read-only by the kernel after an error',
      },
    ]);
    expect(told({ disk: { ...full, readOnlyBy: 'mount' } })).toEqual([
      {
        kind: 'disk-read-only',
        damage: false,
        text: '/srv (source database) is mounted read-only, as somebody wanted it',
      },
    ]);
  });
});

describe('memory', () => {
  // As a host of 24 GB has it.
  const meminfo = `MemTotal:       24684096 kB
MemFree:        17677336 kB
MemAvailable:   20840876 kB
Buffers:         1172392 kB
SwapTotal:       2097148 kB
SwapFree:        1048572 kB
`;

  it('is read as it stands, in bytes', () => {
    expect(parseMemory(meminfo)).toEqual({
      totalBytes: 24_684_096 * 1024,
      availableBytes: 20_840_876 * 1024,
      swapTotalBytes: 2_097_148 * 1024,
      swapFreeBytes: 1_048_572 * 1024,
    });
    expect(told({ memory: parseMemory(meminfo) })).toEqual([]);
  });

  it('that is short is told, and is no damage', () => {
    const short = parseMemory(meminfo.replace('20840876', '  500000'));
    expect(told({ memory: short })).toEqual([
      {
        kind: 'memory',
        damage: false,
        text: 'memory is short: 488 MiB of 23.5 GiB are to be had',
      },
    ]);
    // It is what programs may have, not what lies idle, that counts.
    expect(told({ memory: parseMemory(meminfo.replace('17677336', '  100000')) })).toEqual([]);
  });
});

describe('the kernel', () => {
  // Recorded: an ext4 that met an error (Linux 6.18), disks that fail, a group and a host that ran out of memory.
  it.each([
    ['EXT4-fs error (device loop0): trigger_test_error:129: comm bash: 1', 'high'],
    ['EXT4-fs (loop0): Remounting filesystem read-only', 'high'],
    [
      'I/O error, dev sda, sector 1953523712 op 0x0:(READ) flags 0x80700 phys_seg 1 prio class 2',
      'high',
    ],
    ['Buffer I/O error on dev dm-0, logical block 12345, lost async page write', 'high'],
    ['critical medium error, dev nvme0n1, sector 2048 op 0x0:(READ) flags 0x0', 'high'],
    ['sd 0:0:0:0: [sda] tag#3 Add. Sense: Unrecovered read error - auto reallocate failed', 'high'],
    [
      'XFS (sdb1): Metadata corruption detected at xfs_agi_verify+0x12/0x90 [xfs], xfs_agi block 0x2',
      'high',
    ],
    [
      'XFS (sdb1): xfs_do_force_shutdown(0x8) called from line 460 of file fs/xfs/libxfs/xfs_defer.c',
      'high',
    ],
    ['BTRFS critical (device sdc1): corrupt leaf: root=5 block=30523392 slot=12', 'high'],
    ['nvme nvme0: controller is down; will reset: CSTS=0xffffffff, PCI_STATUS=0x10', 'high'],
    ['mce: [Hardware Error]: CPU 2: Machine Check: 0 Bank 8: be00000000800400', 'high'],
    [
      'Out of memory: Killed process 4123 (postgres) total-vm:8234512kB, anon-rss:6102340kB',
      'medium',
    ],
    [
      'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,task=node,pid=5121,uid=0',
      'medium',
    ],
    ['Memory cgroup out of memory: Killed process 5121 (node) total-vm:1203412kB', 'medium'],
  ])('that says %j', (line, severity) => {
    const before = '2026-11-27T06:23:11,917937+00:00';
    const [finding, ...others] = hostFindings(hostWith({ kernel: `${before} ${line}` }));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ kind: 'kernel', severity, strength: 'likely' });
    expect(finding?.text).toMatch(/ \(1 lines\): 2026-11-27T06:23:11/);
    expect(finding?.text).toContain(line);
  });

  it.each([
    'EXT4-fs (sda1): mounted filesystem 18e827db with ordered data mode. Opts: errors=remount-ro',
    'EDAC MC: Ver: 3.0.0',
    'MCE: In-kernel MCE decoding enabled.',
    'loop0: detected capacity change from 0 to 32768',
    'eth0: renamed from veth3157c9f',
  ])('that says no more than %j is told of nowhere', (line) => {
    expect(hostFindings(hostWith({ kernel: line }))).toEqual([]);
  });

  it('is told once for each thing, with the last line', () => {
    const kernel = `I/O error, dev sda, sector 1
Out of memory: Killed process 1 (one)
I/O error, dev sda, sector 2
Out of memory: Killed process 2 (two)`;
    expect(told({ kernel }).map(({ text }) => text)).toEqual([
      'the kernel speaks of failing disks or file systems (2 lines): I/O error, dev sda, sector 2',
      'the kernel speaks of processes that were killed for memory (2 lines): Out of memory: Killed process 2 (two)',
    ]);
  });
});
