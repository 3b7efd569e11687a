import { assertFileName } from '../file-name.ts';
import type { FileKind } from '../location.ts';

/** restic's default layout: `data/` in 256 parts by the first two digits. */
export function s3Key(prefix: string, kind: FileKind, name: string): string {
  assertFileName(kind, name);
  if (kind === 'config') return `${prefix}config`;
  return kind === 'data' ? `${prefix}data/${name.slice(0, 2)}/${name}` : `${prefix}${kind}/${name}`;
}
