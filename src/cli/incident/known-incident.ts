import { type LossType, pickNamed, type Severity } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import {
  type Incident,
  lossTypeNames,
  parseLossType,
  parseSeverity,
  severityNames,
} from '../../incidents/index.ts';
import type { IncidentFacts, Surroundings } from '../../recovery/index.ts';

/** What a plan takes from an incident. */
export type KnownIncident = Omit<IncidentFacts, 'isGuess'> & {
  /** That people named: what is said of the incident is said of these. Empty: of all. */
  readonly sources: readonly string[];
  /** That recoveries found damaged besides. */
  readonly addedSources?: readonly string[];
};

export const incidentWishOptions = {
  type: {
    flags: '--type <type>',
    description: `what happened: ${lossTypeNames.join(', ')}; default: as the incident says, else as it looks`,
  },
  severity: {
    flags: '--severity <severity>',
    description: `how bad it is: ${severityNames.join(', ')}; default: as the incident says`,
  },
  incident: {
    flags: '--incident <id>',
    description:
      'of which incident; default: the only one that is open and not older than 12 hours',
  },
} as const;

/** What was opened longer ago may be another accident, of which nobody closed the record. */
export const recentMs = 12 * 3_600_000;

export function isRecent({ openedAt }: Pick<Incident, 'openedAt'>): boolean {
  return Date.now() - openedAt.getTime() < recentMs;
}

/** `wanted`: the source that is asked for. What happened to others says nothing of it. */
export function knownOf(
  incident: Pick<Incident, 'id' | 'severity' | 'lossType' | 'sources' | 'addedSources'>,
  wanted: string | undefined,
): KnownIncident {
  const { id, severity, lossType, addedSources } = incident;
  const sources = incident.sources.filter((name) => !addedSources.includes(name));
  const isSaidOfIt = wanted === undefined || sources.length === 0 || sources.includes(wanted);
  return {
    id,
    severity,
    sources,
    addedSources,
    ...(lossType === undefined || !isSaidOfIt ? {} : { lossType }),
  };
}

/** What the options say stands above what the incident says. Errors: `usage.invalid`. */
export function wishedOf(options: {
  readonly type: string | undefined;
  readonly severity: string | undefined;
}): Pick<KnownIncident, 'lossType' | 'severity'> {
  return {
    ...(options.type === undefined ? {} : { lossType: requireLossType(options.type) }),
    ...(options.severity === undefined ? {} : { severity: requireSeverity(options.severity) }),
  };
}

/** The one that is named, else those of the incident, else all. */
export function concernedSources(
  wanted: string | undefined,
  incident: Pick<KnownIncident, 'sources'>,
  { configuration }: Surroundings,
): readonly string[] {
  if (wanted !== undefined) return [pickNamed('source', configuration.sources, wanted)[0]];
  const known = incident.sources.filter((name) => Object.hasOwn(configuration.sources, name));
  return known.length > 0 ? known : Object.keys(configuration.sources);
}

function requireLossType(text: string): LossType {
  const type = parseLossType(text);
  if (type !== undefined) return type;
  throw new LifeboatError('usage.invalid', `there is no loss type ${JSON.stringify(text)}`, {
    hint: `It is one of ${lossTypeNames.join(', ')}.`,
  });
}

function requireSeverity(text: string): Severity {
  const severity = parseSeverity(text);
  if (severity !== undefined) return severity;
  throw new LifeboatError('usage.invalid', `there is no severity ${JSON.stringify(text)}`, {
    hint: `It is one of ${severityNames.join(', ')}.`,
  });
}
