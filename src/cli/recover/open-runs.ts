import { recoveryObjectiveMs } from '../../config/index.ts';
import { isLifeboatError } from '../../core/index.ts';
import {
  openEngine,
  type Plan,
  RecoveryRuns,
  type Surroundings,
  stepKind,
  type Tell,
} from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import { loadConfigured } from '../configured.ts';
import { type IncidentDesk, openDesk } from '../incident/incident-desk.ts';
import { tellWhereNotKept } from '../keep-configuration.ts';
import { recoverySurroundings } from '../recovery-surroundings.ts';
import { terminalDesk } from './run-desk.ts';
import { RunScreen } from './run-screen.ts';

/** Runs, as the command drives them. Disposal closes what they opened. */
export interface OpenedRuns extends AsyncDisposable {
  readonly runs: RecoveryRuns;
  readonly surroundings: Surroundings;
  readonly desk: IncidentDesk;
  /** In each repository, so that another host can go on when this one is gone. Never fails. */
  keepConfiguration(): Promise<void>;
  /** When the loss was declared, and how long the recovery may take. */
  clockOf(plan: Plan): Promise<{ readonly declaredAt?: Date; readonly objectiveMs?: number }>;
}

const sendWithinMs = 10_000;

export async function openRuns(
  context: CommandContext,
  yes: readonly string[],
): Promise<OpenedRuns> {
  const { output, signal } = context;
  const configuration = loadConfigured(context);
  await using opening = new AsyncDisposableStack();
  const surroundings = opening.use(recoverySurroundings(context, configuration));
  const engine = opening.use(await openEngine(surroundings));
  const desk = opening.use(await openDesk(context, { sendWithinMs }));
  const screen = opening.use(new RunScreen(output));
  const runs = new RecoveryRuns({
    surroundings,
    engine,
    kinds: stepKind,
    tell: (incident) => tellIncident(desk, incident),
    desk: terminalDesk(context, yes),
    progress: output.progress,
    onEvent: screen.show,
    signal,
  });
  const opened = opening.move();
  return {
    runs,
    surroundings,
    desk,
    keepConfiguration: () => tellWhereNotKept(surroundings, output.progress),
    async clockOf({ incident, sources }) {
      const objectiveMs = recoveryObjectiveMs(configuration, sources);
      const declaredAt = await openedAt(desk, incident);
      return {
        ...(declaredAt ? { declaredAt } : {}),
        ...(objectiveMs === undefined ? {} : { objectiveMs }),
      };
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

/** A plan that was made without an incident of this host is told to nobody but the journal. */
function tellIncident({ incidents }: IncidentDesk, incident: string): Tell {
  let known: Promise<boolean> | undefined;
  return async (entry) => {
    known ??= isKnown(incidents.find(incident));
    if (await known) await incidents.tell(incident)(entry);
  };
}

async function openedAt({ incidents }: IncidentDesk, incident: string): Promise<Date | undefined> {
  const found = incidents.find(incident);
  return (await isKnown(found)) ? (await found).openedAt : undefined;
}

async function isKnown(found: Promise<unknown>): Promise<boolean> {
  try {
    await found;
    return true;
  } catch (error) {
    if (isLifeboatError(error, 'incident.unknown')) return false;
    throw error;
  }
}
