import { type Environment, environmentOf, type Severity } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import {
  type Extent,
  extentNames,
  lossTypeNames,
  parseLossType,
  parseSeverity,
} from '../../incidents/index.ts';
import { repositoryOption } from '../chosen-repository.ts';
import type { CommandContext, OptionValues } from '../command.ts';
import type { IncidentDesk } from './incident-desk.ts';

export const incidentOptions = {
  incident: {
    flags: '--incident <id>',
    description: 'which one, or the beginning of its id; default: the only one that is open',
  },
  title: { flags: '--title <text>', description: 'what happened, in a few words' },
  severity: {
    flags: '--severity <severity>',
    description: 'P0 to P3, or SEV1 to SEV4; default: proposed from extent and sources',
  },
  extent: {
    flags: '--extent <extent>',
    description: `how much is lost: ${extentNames.join(', ')}`,
  },
  lossType: {
    flags: '--loss-type <type>',
    description: `what kind of loss: ${lossTypeNames.join(', ')}`,
  },
  source: {
    flags: '--source <name>',
    description: 'an affected source; several times',
    repeatable: true,
  },
  lead: { flags: '--lead <person>', description: 'who leads' },
  status: {
    flags: '--status <status>',
    description: 'for update: investigating, recovering, monitoring or resolved',
  },
  nextUpdate: {
    flags: '--next-update <duration>',
    description: 'for update: when the next news are due, from now (20m, 2h)',
  },
  done: {
    flags: '--done <item>',
    description: 'for update: an item of the checklist that is done; several times',
    repeatable: true,
  },
  undone: {
    flags: '--undone <item>',
    description: 'for update: one that is not done after all; several times',
    repeatable: true,
  },
  summary: { flags: '--summary <text>', description: 'for close: what it was, and what it cost' },
  attach: {
    flags: '--attach <file>',
    description: 'for note: a text file that goes with it, such as the output of a program',
  },
  attachment: {
    flags: '--attachment <name>',
    description: 'for show: print what was attached under this name, or hash',
  },
  accept: {
    flags: '--accept <key>',
    description: 'for verify: the host with this key takes part, its entries count',
  },
  all: { flags: '--all', description: 'for list: closed ones too' },
  offline: { flags: '--offline', description: 'ask and tell no repository now' },
  repository: repositoryOption,
} as const;

export type IncidentOptions = OptionValues<typeof incidentOptions>;

/** What every subcommand works with. */
export interface IncidentWork {
  readonly desk: IncidentDesk;
  readonly context: CommandContext;
  readonly options: IncidentOptions;
  /** What stands behind the name of the subcommand. */
  readonly words: readonly string[];
}

/** Errors of these: `usage.invalid`. */
export function severityOf(text: string): Severity {
  return (
    parseSeverity(text) ??
    refuse(`--severity ${JSON.stringify(text)} is none`, 'It is P0, P1, P2 or P3 (SEV1 to SEV4).')
  );
}

export function extentOf(text: string): Extent {
  const found = extentNames.find((each) => each === text.trim().toLowerCase());
  return (
    found ??
    refuse(`--extent ${JSON.stringify(text)} is none`, `It is one of ${extentNames.join(', ')}.`)
  );
}

export function lossTypeOf(text: string) {
  return (
    parseLossType(text) ??
    refuse(
      `--loss-type ${JSON.stringify(text)} is none`,
      `It is one of ${lossTypeNames.join(', ')}.`,
    )
  );
}

/** Sources that the configuration knows; on a machine without one, any. */
export function sourcesOf({ configuration }: IncidentDesk, names: readonly string[]) {
  const known = configuration && Object.keys(configuration.sources);
  const unknown = names.find((name) => known && !known.includes(name));
  if (unknown === undefined) return [...new Set(names)];
  return refuse(
    `there is no source ${JSON.stringify(unknown)}`,
    `It is one of ${(known as string[]).join(', ')}.`,
  );
}

/** Of each source; without a configuration it is taken for production. */
export function environmentIn({ configuration }: IncidentDesk) {
  return (source: string): Environment =>
    configuration === undefined ? 'production' : environmentOf(configuration, source);
}

export function refuse(fact: string, hint: string): never {
  throw new LifeboatError('usage.invalid', fact, { hint });
}
