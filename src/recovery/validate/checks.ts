import type { Check } from './check.ts';
import { checkConstraints } from './checks/check-constraints.ts';
import { consistency } from './checks/consistency.ts';
import { extensionLibraries } from './checks/extension-libraries.ts';
import { foreignKeys } from './checks/foreign-keys.ts';
import { heapStructure } from './checks/heap-structure.ts';
import { indexStructure } from './checks/index-structure.ts';
import { indexesValid } from './checks/indexes-valid.ts';
import { pageChecksums } from './checks/page-checksums.ts';
import { rowCounts } from './checks/row-counts.ts';
import { rowsAccounted } from './checks/rows-accounted.ts';
import { tablesCounted, tablesCountedQuickly } from './checks/tables-counted.ts';
import { tablesRead } from './checks/tables-read.ts';
import { userChecks } from './checks/user-checks.ts';
import { visibilityMap } from './checks/visibility-map.ts';

/**
 * Every check, in the order they are run: what explains the failures of others comes first, and rows are compared after the
 * tables were read.
 */
export const allChecks: readonly Check[] = Object.freeze([
  consistency,
  pageChecksums,
  extensionLibraries,
  indexesValid,
  tablesRead,
  rowsAccounted,
  rowCounts,
  heapStructure,
  visibilityMap,
  indexStructure,
  foreignKeys,
  checkConstraints,
  userChecks,
]);

/** How much is looked at in a cluster that was just restored and is waited for. */
export type ValidationLevel = 'quick' | 'full';

const quickChecks: readonly Check[] = Object.freeze([
  consistency,
  extensionLibraries,
  indexesValid,
  tablesCountedQuickly,
  rowsAccounted,
  userChecks,
]);

/** Those for a restored cluster that the user keeps. Before 14 no role may read everything, so rows are counted beside. */
export function checksOfKept(level: ValidationLevel, major: number): readonly Check[] {
  if (level === 'quick') return quickChecks;
  if (major >= 14) return allChecks;
  return allChecks.flatMap((check) => (check === tablesRead ? [tablesRead, tablesCounted] : check));
}
