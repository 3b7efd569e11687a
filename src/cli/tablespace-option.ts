import { resolve } from 'node:path';
import { LifeboatError } from '../core/index.ts';
import type { TablespaceWish } from '../sources/index.ts';

/** Option of commands that write a data directory. */
export const tablespaceOption = {
  flags: '--tablespace <from=folder>',
  description:
    'PostgreSQL: where a tablespace goes, by its OID or its former folder; may be repeated; default: inside the data directory',
  repeatable: true,
} as const;

/** `16385=/srv/fast`, `/mnt/old=/mnt/new`. Errors: `usage.invalid`. */
export function parseTablespaces(
  texts: readonly string[] | undefined,
  folder: string,
): readonly TablespaceWish[] {
  return (texts ?? []).map((text) => {
    const at = text.indexOf('=');
    if (at > 0 && at < text.length - 1) {
      return { tablespace: text.slice(0, at), folder: resolve(folder, text.slice(at + 1)) };
    }
    throw new LifeboatError('usage.invalid', `not a tablespace: ${JSON.stringify(text)}`, {
      hint: 'Write OID=FOLDER or FORMER_FOLDER=FOLDER, for example --tablespace 16385=/srv/fast.',
    });
  });
}
