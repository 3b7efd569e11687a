import type { Part } from './part.ts';
import type { Excerpt } from './postgres-damage.ts';

/** The host that the assessment runs on. */
export interface HostDamage {
  readonly name: string;
  readonly disks: Part<readonly DiskState[]>;
  readonly memory: Part<MemoryState>;
  /** Messages of the kernel that speak of disks, file systems, memory. */
  readonly kernel: Part<Excerpt>;
}

export interface DiskState {
  readonly mount: string;
  readonly device: string;
  readonly fileSystem: string;
  readonly sizeBytes: number;
  /** To be had without being root. */
  readonly freeBytes: number;
  readonly inodes?: number;
  readonly freeInodes?: number;
  readonly isReadOnly: boolean;
  /** `errors`: the kernel took writing away after an error; `mount`: somebody mounted it so. Absent where it can be written to. */
  readonly readOnlyBy?: 'errors' | 'mount';
  /** What of the configuration lies there: names of sources and repositories, `state`. */
  readonly holds: readonly string[];
}

export interface MemoryState {
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly swapTotalBytes: number;
  readonly swapFreeBytes: number;
  /** Averages of 1, 5 and 15 minutes. */
  readonly load: readonly [number, number, number];
  readonly processors: number;
  readonly upSince: string;
}
