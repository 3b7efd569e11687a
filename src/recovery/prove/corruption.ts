import { isLifeboatError } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import { findIntactPage, type PageHistory } from '../../sources/index.ts';
import type { CheckResult } from '../validate/check.ts';

/** Each of them is looked for in every snapshot until one holds it intact. */
const pagesMax = 20;

/** A damaged page, and where an intact one lies. */
export interface Corruption extends PageHistory {
  readonly object: string;
  readonly path: string;
  readonly block: number;
}

/**
 * For what page checksums found: when the corruption began, and which snapshot still holds the page intact. A repository that
 * cannot be read ends the search, with what is known by then: what was found must be recorded all the same. Errors: `cancelled`.
 */
export async function traceCorruption(request: {
  readonly repository: Repository;
  readonly source: string;
  readonly checks: readonly CheckResult[];
  readonly pageSizeBytes: number;
  readonly signal?: AbortSignal;
}): Promise<readonly Corruption[]> {
  const { checks, ...about } = request;
  const pages = checks
    .flatMap(({ damaged = [] }) => damaged)
    .flatMap(({ blocks, ...file }) => blocks.map((block) => ({ ...file, block })));
  const traced: Corruption[] = [];
  for (const { object, ...page } of pages.slice(0, pagesMax)) {
    try {
      const history = await findIntactPage({ ...about, page });
      traced.push({ object, path: page.path, block: page.block, ...history });
    } catch (error) {
      if (!isLifeboatError(error) || isLifeboatError(error, 'cancelled', 'bug')) throw error;
      break;
    }
  }
  return traced;
}
