import type { ConfigurationFile } from '../schema.ts';
import { type ConfiguredValue, valuesWithRoles } from './map-configured.ts';

/** One thing that a configuration lets this program do, and the option that says so. */
export interface ConfiguredAct {
  /** `services.api.stop`. */
  readonly place: string;
  /** A program with its arguments; of all others one text. */
  readonly words: readonly string[];
}

/** What a configuration can make a host do: found by what the schema says of each option, so that none can be forgotten. */
export interface ConfiguredActs {
  readonly commands: readonly ConfiguredAct[];
  /** What of platforms it would look at, stop, start and change. */
  readonly targets: readonly ConfiguredAct[];
  readonly images: readonly ConfiguredAct[];
  /** Folders from which programs are started. */
  readonly programs: readonly ConfiguredAct[];
  readonly sql: readonly ConfiguredAct[];
  /** Servers, repositories and hosts that are connected to. */
  readonly connections: readonly ConfiguredAct[];
  /** Files and folders that are used. */
  readonly paths: readonly ConfiguredAct[];
  /** Environment variables that are read. */
  readonly variables: readonly ConfiguredAct[];
}

export function whatItWouldDo(data: ConfigurationFile): ConfiguredActs {
  const all = valuesWithRoles(data);
  const of = (...roles: readonly ConfiguredValue['role'][]) =>
    all.flatMap(({ path, role, value }) =>
      roles.includes(role) ? [{ place: path.join('.'), words: [value].flat() as string[] }] : [],
    );
  const isWord = ({ words: [word] }: ConfiguredAct) => word === 'auto' || word === 'never';
  return {
    commands: of('command'),
    targets: of('target'),
    images: of('image'),
    programs: of('programs'),
    sql: of('sql'),
    connections: of('location', 'server', 'host'),
    paths: of('path', 'path-or-word').filter((each) => !isWord(each)),
    variables: of('variable'),
  };
}
