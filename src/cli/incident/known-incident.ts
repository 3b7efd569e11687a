import { type LossType, pickNamed, type Severity } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import {
  lossTypeNames,
  parseLossType,
  parseSeverity,
  severityNames,
} from '../../incidents/index.ts';
import type { IncidentFacts, Surroundings } from '../../recovery/index.ts';

/** What a plan takes from an incident. */
export type KnownIncident = Omit<IncidentFacts, 'isGuess'> & {
  readonly sources: readonly string[];
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
    description: 'of which incident; default: the one that is open, if it is only one',
  },
} as const;

export function knownOf(incident: {
  readonly id: string;
  readonly severity: Severity;
  readonly lossType?: LossType;
  readonly sources: readonly string[];
}): KnownIncident {
  const { id, severity, lossType, sources } = incident;
  return { id, severity, sources, ...(lossType === undefined ? {} : { lossType }) };
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
