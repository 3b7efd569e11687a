import { LifeboatError } from '../../../core/index.ts';

export interface GcsAddress {
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
}

/** `gs:bucket:/prefix`, as restic writes it, or `gs:bucket/prefix`. */
export function parseGcsAddress(text: string): GcsAddress {
  const match = /^gs:([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(?:(?::\/?|\/)(.*))?$/.exec(text);
  const parts = (match?.[2] ?? '').split('/').filter((part) => part !== '');
  if (match === null || parts.some((part) => part === '.' || part === '..')) {
    throw new LifeboatError('usage.invalid', `cannot use this repository location: ${text}`, {
      hint: 'Write gs:BUCKET:/PREFIX, for example gs:my-backups:/lifeboat.',
    });
  }
  return { bucket: match[1] as string, prefix: parts.join('/') };
}
