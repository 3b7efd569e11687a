import { formatLsn, parseLsn } from '../../../wal/index.ts';
import type { CatalogRecord, DamagedPageInfo } from '../backup-info.ts';
import { resolveRelation } from '../catalog/resolve-relation.ts';
import type { DamagedPage } from './damaged-pages.ts';

/** Names the relation of each damaged page, where the catalog knows it. */
export function nameDamage(
  pages: readonly DamagedPage[],
  catalog: CatalogRecord,
): DamagedPageInfo[] {
  return pages.map(({ path, block, relation }) => {
    const found = resolveRelation([catalog], relation.database, {
      filenode: relation.filenode,
      tablespace: relation.tablespace,
    });
    if (!found) return { path, block };
    const { schema, name } = found.relation;
    const database = found.database ? `${found.database.name}.` : '';
    return { path, block, relation: `${database}${schema}.${name}` };
  });
}

/** One sentence per damaged file; `unnamed` counts what was too much to list. */
export function damageWarnings(
  pages: readonly DamagedPageInfo[],
  unnamed: number,
  startLsn: string,
): string[] {
  const byFile = Map.groupBy(pages, (page) => page.path);
  const warnings = [...byFile].map(([path, found]) => {
    const name = found[0]?.relation;
    const blocks = found.slice(0, 8).map((page) => page.block);
    const more = found.length > blocks.length ? ' ...' : '';
    return `${found.length} damaged page${found.length === 1 ? '' : 's'} in ${name ? `${name} (${path})` : path}: block ${blocks.join(', ')}${more}; no WAL since ${formatLsn(parseLsn(startLsn))} repairs what was stored`;
  });
  return unnamed === 0 ? warnings : [...warnings, `${unnamed} more pages fail their checksum`];
}
