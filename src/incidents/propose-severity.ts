import type { Environment, IncidentsFile, Severity } from '../config/index.ts';

/** How much is lost, or `none` yet: something is tried or prevented. */
export type Extent = 'complete' | 'major' | 'partial' | 'minor' | 'none';

export const extents: Readonly<Record<Extent, string>> = {
  complete: 'all user data is affected, or the service is down',
  major: 'a large part of it, many users notice',
  partial: 'some of it, few users notice',
  minor: 'little of it, hardly anybody notices',
  none: 'nothing yet: a test, or before it happens',
};

export const extentNames = Object.keys(extents) as readonly Extent[];

const byExtent: Readonly<Record<Extent, Severity>> = {
  complete: 'P0',
  major: 'P1',
  partial: 'P2',
  minor: 'P3',
  none: 'P3',
};

/** No worse than this, whatever the extent: nobody's real data is at stake. */
const mildest: Readonly<Record<Environment, Severity>> = {
  production: 'P0',
  staging: 'P2',
  development: 'P3',
};

/**
 * What the severity probably is; people may always say otherwise. `extent`: by how much is lost, and production counts for more.
 * `environment`: production is P0 where the loss is complete or major and P1 where it is less, everything else is P2; P3 is what has not happened yet.
 */
export function proposeSeverity(facts: {
  readonly extent: Extent;
  /** Of the affected sources; none: production, as long as nobody knows better. */
  readonly environments: readonly Environment[];
  readonly classifyBy?: IncidentsFile['classifyBy'];
}): Severity {
  const { extent, classifyBy = 'extent' } = facts;
  const environment = worst(facts.environments);
  if (classifyBy === 'extent') return milder(byExtent[extent], mildest[environment]);
  if (extent === 'none') return 'P3';
  if (environment !== 'production') return 'P2';
  return extent === 'complete' || extent === 'major' ? 'P0' : 'P1';
}

function worst(environments: readonly Environment[]): Environment {
  if (environments.length === 0 || environments.includes('production')) return 'production';
  return environments.includes('staging') ? 'staging' : 'development';
}

function milder(a: Severity, b: Severity): Severity {
  return a > b ? a : b;
}
