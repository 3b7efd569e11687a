import type { LossType } from '../config/index.ts';

export const lossTypes: Readonly<Record<LossType, string>> = {
  corruption: 'data is damaged: bad pages, broken indexes, nonsense in tables',
  'accidental-deletion':
    'a mistake of a user or an administrator: rows, tables, files or volumes (DELETE, DROP, rm, down -v)',
  'backup-failure': 'backups are damaged or missing',
  hardware: 'a disk or a machine failed',
  'software-bug': 'an error of the application destroyed data',
  malicious: 'somebody destroyed or encrypted data on purpose',
  storage: 'the storage beneath lost or damaged data: volume, bucket, file system',
  'failed-migration': 'a migration or deployment went wrong',
};

export const lossTypeNames = Object.keys(lossTypes) as readonly LossType[];

/** Undefined: none of these. */
export function parseLossType(text: string): LossType | undefined {
  const wanted = text
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, '-');
  return lossTypeNames.find((name) => name === wanted);
}
