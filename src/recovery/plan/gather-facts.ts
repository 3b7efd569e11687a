import { createHash } from 'node:crypto';
import {
  type Configuration,
  environmentOf,
  type GroundFile,
  lossObjectiveMs,
  proofsOf,
} from '../../config/index.ts';
import { assert, isLifeboatError, type Progress } from '../../core/index.ts';
import type { Platforms } from '../../platforms/index.ts';
import { canonicalJson, type Repository } from '../../repository/index.ts';
import { type AnySource, parseConnectionUrl } from '../../sources/index.ts';
import type { DamageReport } from '../assess/damage/damage-report.ts';
import type { LossSuspect } from '../assess/loss-report.ts';
import { stoppedByFreezes } from '../freeze/standing-freezes.ts';
import { machinesOfServer } from '../ground/server/machines-of-server.ts';
import type { Surroundings } from '../surroundings.ts';
import { damageFacts, serviceState, unseenIn } from './damage-facts.ts';
import type { IncidentFacts, PlanFacts, ServiceFacts, SourceFacts, Wish } from './facts.ts';
import { seenByGround } from './foreign-cluster.ts';
import { groundPlace, isWorthLooking, lookAtGround, type MakeGround } from './look-at-grounds.ts';
import { lookAtPlaces, type SeenPlaces, serverPlace, servicePlace } from './look-at-places.ts';
import { machinesOfSource } from './machines-of-source.ts';
import { groundOfSource, placeOfService, placeOfSource } from './place-facts.ts';
import type { Plan, PlanSeen } from './plan.ts';
import { type KnownBaseline, type SourceStock, sourceStock } from './source-stock.ts';

export interface GatherRequest {
  readonly surroundings: Surroundings;
  readonly platforms: Platforms;
  /** What an assessment saw a moment ago; it has the sources that the plan is about. */
  readonly report: DamageReport;
  readonly incident: Omit<IncidentFacts, 'isGuess'>;
  readonly wish: Wish;
  /** The transaction that was named, when the assessment did not look so far back. */
  readonly named?: { readonly source: string; readonly suspect: LossSuspect };
  /** Grounds are asked who they are and for their room; undefined: the plan knows them by the configuration alone. */
  readonly makeGround?: MakeGround;
  /** Where a source goes that has no ground configured; undefined: nowhere. */
  readonly defaultGround?: (source: AnySource) => Promise<GroundFile | undefined>;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

export interface GatheredFacts {
  readonly facts: PlanFacts;
  readonly places: Plan['places'];
  readonly seen: PlanSeen;
}

/**
 * Everything that a plan depends on, out of the damage report, the configuration and the repositories. Changes nothing. What is out of
 * reach is in `unseen`; a repository that does not open leaves its sources without restore points. Errors: `cancelled`.
 */
export async function gatherFacts(request: GatherRequest): Promise<GatheredFacts> {
  const { surroundings, platforms, report, incident, wish, signal } = request;
  const { configuration } = surroundings;
  const now = new Date();
  const names = report.sources.map(({ name }) => name);
  const services = concerned(configuration, names);
  const stopped = await stoppedByFreezes(configuration);
  const looked = await lookAtPlaces(surroundings, platforms, services, signal);
  const unseen = [...unseenIn(report), ...notAsked(looked.unseen)];
  const sources: SourceFacts[] = [];
  const measured: PlanFacts['measured'][number][] = [];
  const grounds: Record<string, Plan['places'][string]> = {};
  const baselines: KnownBaseline[] = [];
  for (const name of names) {
    const stock = await stockOf(request, name, now, unseen);
    measured.push(...stock.measured);
    baselines.push(...stock.baselines);
    const known = sourceFacts(request, name, stock, {
      ...looked,
      own: await machinesOfSource(request, name),
    });
    const { source, identity } = await withGround(request, known);
    sources.push(source);
    if (identity) grounds[groundPlace(name)] = identity;
  }
  const [guess] = report.lossTypes;
  const facts: PlanFacts = {
    time: now.toISOString(),
    incident: {
      ...incident,
      ...(incident.lossType === undefined && guess !== undefined
        ? { lossType: guess.type, isGuess: true as const }
        : {}),
    },
    wish,
    sources,
    services: services.map((name) => ({
      ...serviceFacts(request, name, looked, baselines),
      // The thaw starts it: it is watched like those that run.
      ...(stopped.includes(name) ? { status: 'running' as const } : {}),
    })),
    measured: uniqueSteps(measured).toSorted((a, b) => b.time.localeCompare(a.time)),
    unseen,
  };
  return {
    facts,
    places: { ...looked.places, ...serversOf(sources), ...grounds },
    seen: { configuration: configurationHash(configuration), sources: seenSources(sources) },
  };
}

/** Sources that share a repository bring the same former runs. */
function uniqueSteps(measured: PlanFacts['measured']): PlanFacts['measured'] {
  return [...new Map(measured.map((each) => [JSON.stringify(each), each])).values()];
}

/** With the ground that is configured, else where the database itself is, when that is this host; as the ground says of itself. */
async function withGround(
  { surroundings, makeGround, defaultGround, signal }: GatherRequest,
  known: SourceFacts,
): Promise<{ readonly source: SourceFacts; readonly identity?: Plan['places'][string] }> {
  const setting = surroundings.configuration.sources[known.name];
  assert(setting !== undefined, `no source ${known.name}`);
  const isOutOfReach = await volumeOutOfReach(surroundings, known.name, signal);
  const source = isOutOfReach ? { ...known, isOutOfReach } : known;
  // Files of this host go back to where they were, by themselves.
  const ground =
    setting.ground ??
    (setting.kind === 'postgres' || isOutOfReach
      ? await defaultGround?.(await surroundings.source(source.name, 'protect'))
      : undefined);
  if (ground === undefined) return { source };
  const place = groundOfSource(surroundings.configuration, { ...setting, ground });
  if (place === undefined) return { source };
  if (makeGround === undefined) return { source: { ...source, ground: place } };
  const looked = await lookAtGround(place, ground, makeGround, {
    contents: isWorthLooking(source, place),
    ...(signal ? { signal } : {}),
  });
  const { identity } = looked;
  return {
    source: seenByGround({ ...source, ground: looked.ground }),
    ...(identity ? { identity } : {}),
  };
}

/** An engine that does not answer is out of reach, too: its ground says why. */
async function volumeOutOfReach(
  surroundings: Surroundings,
  name: string,
  signal: AbortSignal | undefined,
): Promise<true | undefined> {
  if (surroundings.configuration.sources[name]?.kind !== 'volume') return undefined;
  const volume = await surroundings.source(name, 'look');
  assert(volume.kind === 'volume', `${name} is of another kind`);
  try {
    return (await volume.outOfReach(signal)) === undefined ? undefined : true;
  } catch (error) {
    if (!isLifeboatError(error, 'volume.unavailable')) throw error;
    return true;
  }
}

/** What a recovery depends on in the configuration; where its file lies does not matter. */
export function configurationHash(configuration: Configuration): string {
  const { name, repositories, sources, services, recovery } = configuration;
  const text = canonicalJson({ name, repositories, sources, services, recovery });
  return createHash('sha256').update(text).digest('hex');
}

/** Services that write to the sources, those that are their servers, and those that write nowhere: they may have gone wrong too. */
function concerned({ services, sources }: Configuration, names: readonly string[]) {
  const servers = names.flatMap((name) => {
    const setting = sources[name];
    return setting?.kind === 'postgres' && setting.service !== undefined ? [setting.service] : [];
  });
  return services
    .filter(
      ({ name, writes = [] }) =>
        servers.includes(name) ||
        writes.length === 0 ||
        writes.some((each) => names.includes(each)),
    )
    .map(({ name }) => name);
}

function notAsked(unseen: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(unseen).map(([name, why]) => `could not ask the place of ${name}: ${why}`);
}

async function stockOf(
  { surroundings, signal, progress }: GatherRequest,
  name: string,
  now: Date,
  unseen: string[],
): Promise<SourceStock> {
  try {
    const repository = await openOneOf(surroundings, name, unseen);
    return await sourceStock({
      source: await surroundings.source(name, 'look'),
      repository,
      validForMs: proofsOf(surroundings.configuration, name).validForMs,
      now,
      ...(signal ? { signal } : {}),
      ...(progress ? { progress } : {}),
    });
  } catch (error) {
    if (isLifeboatError(error, 'cancelled', 'bug') || !isLifeboatError(error)) throw error;
    unseen.push(`${name}: what can be restored is not known: ${error.message}`);
    return { windows: [], snapshots: [], proofs: [], measured: [], baselines: [] };
  }
}

/** The repository of a source, or a copy of it: after the loss of a site the copy is what there is. */
async function openOneOf(
  surroundings: Surroundings,
  source: string,
  unseen: string[],
): Promise<Repository> {
  const { repositories, sources } = surroundings.configuration;
  const own = sources[source]?.repository;
  try {
    return await surroundings.repositoryOf(source);
  } catch (error) {
    if (isLifeboatError(error, 'cancelled') || !isLifeboatError(error)) throw error;
    const copies = Object.keys(repositories).filter((name) => repositories[name]?.copyFrom === own);
    for (const name of copies) {
      const copy = await surroundings.repository(name).catch(() => undefined);
      if (copy === undefined) continue;
      unseen.push(
        `${source}: its repository does not open (${error.message}): its copy ${name} was asked`,
      );
      return copy;
    }
    throw error;
  }
}

type Seen = Pick<SeenPlaces, 'places' | 'machines'>;

function sourceFacts(
  { surroundings, report, named }: GatherRequest,
  name: string,
  stock: SourceStock,
  { places, machines, own }: Seen & { readonly own: readonly string[] },
): SourceFacts {
  const { configuration } = surroundings;
  const setting = configuration.sources[name];
  assert(setting !== undefined, `no source ${name}`);
  const rpoMs = lossObjectiveMs(setting);
  const { text, ...place } = placeOfSource(setting);
  const service = setting.kind === 'postgres' ? setting.service : undefined;
  const fingerprint =
    service === undefined ? undefined : places[servicePlace(service)]?.fingerprint;
  const seen = damageFacts(report, name, service);
  const { suspects } = seen.damage;
  const isNamedHere =
    named?.source === name && suspects.every(({ xid }) => xid !== named.suspect.xid);
  return {
    name,
    kind: setting.kind,
    environment: environmentOf(configuration, name),
    ...(rpoMs === undefined ? {} : { rpoMs }),
    text,
    place: {
      ...place,
      ...(fingerprint === undefined ? {} : { fingerprint }),
      machines: [
        ...own,
        ...(service === undefined ? [] : (machines[servicePlace(service)] ?? [])),
        ...machinesOfServer(seen.systemId),
      ],
    },
    server: seen.server,
    ...(seen.systemId === undefined ? {} : { systemId: seen.systemId }),
    ...(service === undefined ? {} : { service }),
    ...('connection' in setting
      ? { database: parseConnectionUrl(setting.connection).database }
      : {}),
    damage: isNamedHere ? { ...seen.damage, suspects: [...suspects, named.suspect] } : seen.damage,
    windows: stock.windows,
    ...(stock.givenUp ? { givenUp: stock.givenUp } : {}),
    snapshots: stock.snapshots,
    proofs: stock.proofs,
  };
}

function serviceFacts(
  { surroundings, report, incident, wish }: GatherRequest,
  name: string,
  { places, machines }: Seen,
  baselines: readonly KnownBaseline[],
): ServiceFacts {
  const service = surroundings.configuration.services.find((each) => each.name === name);
  assert(service !== undefined, `no service ${name}`);
  const isAskedFor = wish.method === 'redeploy' || incident.lossType === 'software-bug';
  const known = baselines.filter(({ variables }) => Object.hasOwn(variables, name));
  const { recordedAt, ...state } = serviceState(report, name, isAskedFor);
  const compared = known.find(({ time }) => time === recordedAt);
  const fingerprint = places[servicePlace(name)]?.fingerprint;
  return {
    name,
    writes: service.writes ?? [],
    ...state,
    place: {
      ...placeOfService(service),
      ...(fingerprint === undefined ? {} : { fingerprint }),
      machines: machines[servicePlace(name)] ?? [],
    },
    ...(compared === undefined ? {} : { baseline: compared.id }),
    environmentNames: known[0]?.variables[name] ?? [],
  };
}

function serversOf(sources: readonly SourceFacts[]): Plan['places'] {
  return Object.fromEntries(
    sources.flatMap(({ name, text, systemId }) =>
      systemId === undefined ? [] : [[serverPlace(name), { text, fingerprint: systemId }]],
    ),
  );
}

function seenSources(sources: readonly SourceFacts[]): PlanSeen['sources'] {
  return Object.fromEntries(
    sources.map(({ name, systemId, snapshots: [newest] }) => [
      name,
      {
        ...(systemId === undefined ? {} : { systemId }),
        ...(newest === undefined ? {} : { newestSnapshot: newest.id }),
      },
    ]),
  );
}
