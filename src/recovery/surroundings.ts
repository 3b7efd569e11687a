import type { Configuration, PasswordSetting } from '../config/index.ts';
import type { Secret } from '../core/index.ts';
import type { Repository } from '../repository/index.ts';
import type { AnySource } from '../sources/index.ts';

/** What a recovery may touch of the world; the command line and the service make one. Closing it closes what it opened. */
export interface Surroundings extends AsyncDisposable {
  readonly configuration: Configuration;
  readonly environment: NodeJS.ProcessEnv;
  /** Who acts, for the record: account of the system, or who logged in to the console. */
  readonly actor: string;
  readonly host: string;
  /** A source with its passwords, and rights to write into the live one where it has a role for that. Opened once each. */
  source(name: string, purpose: 'protect' | 'rescue' | 'look'): Promise<AnySource>;
  /** The repository of a source, or one by name. Opened once each. */
  repositoryOf(source: string): Promise<Repository>;
  repository(name: string): Promise<Repository>;
  /** Never logged. */
  secret(what: string, setting: PasswordSetting): Promise<Secret>;
}
