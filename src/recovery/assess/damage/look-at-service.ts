import type { ServiceSetting } from '../../../config/index.ts';
import { compareBaseline, type Platform, type ServiceBaseline } from '../../../platforms/index.ts';
import type { StoredServiceBaselines } from '../../service-baseline/service-baseline-record.ts';
import { defaultErrorWords, excerptOf } from './excerpt.ts';
import type { PartWork } from './part-runner.ts';
import type { Excerpt } from './postgres-damage.ts';
import type { BaselineComparison, ServiceDamage } from './service-damage.ts';

const outputLines = 2000;
const deploymentsTold = 10;
/** What platforms put in the place of a secret in a command. */
const hidden = /\[hidden [0-9a-f]+\]/g;

type Found<Name extends keyof ServiceDamage> =
  Extract<ServiceDamage[Name], { looked: true }> extends { found: infer Value } ? Value : never;

export async function lookAtState(
  service: ServiceSetting,
  platform: Platform,
  { signal, leftMs }: PartWork,
): Promise<Found<'state'>> {
  const state = await platform.inspect(service, { signal, timeoutMs: leftMs() });
  const { status, text, restarts } = state;
  return { status, text, ...(restarts === undefined ? {} : { restarts }) };
}

/** The newest lines of its output that speak of errors. */
export async function lookAtOutput(
  service: ServiceSetting,
  platform: Platform,
  since: Date,
  { signal, leftMs }: PartWork,
  words: readonly string[] = service.errors ?? defaultErrorWords,
): Promise<Excerpt> {
  const range = { since, lines: outputLines };
  const lines = await platform.output(service, range, { signal, timeoutMs: leftMs() });
  return excerptOf(`output of ${service.name}`, lines, words);
}

/**
 * What it is made of, against the newest recorded baseline from before `since` (else the newest there is), and what changed from one
 * recorded baseline to the next since then. `recorded`: newest first.
 */
export async function lookAtBaseline(
  service: ServiceSetting,
  platform: Platform,
  request: { readonly recorded: readonly StoredServiceBaselines[]; readonly since: Date },
  { signal, leftMs, gaps }: PartWork,
): Promise<BaselineComparison> {
  const { name } = service;
  const { recorded, since } = request;
  const known = recorded.flatMap(({ services, salt, time }) => {
    const baseline = services[name]?.baseline;
    return baseline === undefined ? [] : [{ baseline, salt, time }];
  });
  const former = known.find(({ time }) => time <= since) ?? known.at(-1);
  if (former === undefined) {
    gaps.push('there is no recorded baseline: the next backup makes one');
    return { changes: [], deployments: [] };
  }
  const salt = Buffer.from(former.salt, 'hex');
  const now = await platform.baseline(service, salt, { signal, timeoutMs: leftMs() });
  const deployments = known
    .slice(0, known.indexOf(former))
    .map((newer, at) => {
      const older = known[at + 1] as (typeof known)[number];
      // Hashes under different salts tell nothing: of the environment only what came and went.
      const changes = compareBaseline(withoutHashes(older.baseline), withoutHashes(newer.baseline));
      return { after: older.time.toISOString(), before: newer.time.toISOString(), changes };
    })
    .filter(({ changes }) => changes.length > 0);
  return {
    recordedAt: former.time.toISOString(),
    changes: compareBaseline(former.baseline, now),
    deployments: deployments.slice(0, deploymentsTold),
  };
}

function withoutHashes(baseline: ServiceBaseline): ServiceBaseline {
  const environment = Object.fromEntries(
    Object.keys(baseline.environment).map((name) => [name, '']),
  );
  const command = baseline.command.map((word) => word.replaceAll(hidden, '[hidden]'));
  return { ...baseline, command, environment };
}
