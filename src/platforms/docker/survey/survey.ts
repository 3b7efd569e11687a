// What an engine has, as far as it says what to protect. Environments of containers hold secrets: nothing of them leaves the survey
// but names of roles, databases and folders.

export interface DockerSurvey {
  /** Undefined: the default one. */
  readonly context: string | undefined;
  /** Running or not, by name; tasks of `compose run` and containers of Kubernetes are left out. */
  readonly containers: readonly SurveyedContainer[];
}

export interface SurveyedContainer {
  readonly name: string;
  readonly image: string;
  readonly isRunning: boolean;
  readonly compose?: SurveyedCompose;
  readonly mounts: readonly SurveyedMount[];
  readonly networks: readonly string[];
  /** Published on fixed ports. */
  readonly addresses: readonly PublishedAddress[];
  /** Why `services` cannot have it: it could not be made what it was. */
  readonly unfit?: string;
  /** It is a PostgreSQL. */
  readonly server?: SurveyedServer;
  /** Names of the containers with a PostgreSQL that its environment or arguments name. */
  readonly namesServers: readonly string[];
}

export interface SurveyedCompose {
  readonly project: string;
  readonly service: string;
  /** As they were named when it was made; on the host where that was. */
  readonly files: readonly string[];
  readonly folder: string;
  /** Other than the default: `--env-file`. */
  readonly environmentFiles?: string;
  /** Services that it is started after. */
  readonly after: readonly string[];
}

export interface SurveyedMount {
  readonly kind: 'volume' | 'folder';
  /** Of the volume, or the path; folders only where the engine is on this host. */
  readonly name: string;
  /** Path in the container. */
  readonly at: string;
  readonly isWritable: boolean;
}

export interface PublishedAddress {
  /** In the container. */
  readonly port: number;
  readonly host: string;
  readonly hostPort: number;
}

export interface SurveyedServer {
  /** A superuser. */
  readonly user: string;
  readonly database: string;
  /** In the container; undefined: nothing says. */
  readonly dataFolder?: string;
  readonly port: number;
  /** Where this host reaches it. */
  readonly address?: PublishedAddress;
  /** Its environment has a password for the superuser. */
  readonly hasPassword: boolean;
  /** The variable with that password, where it is not in a file. */
  readonly passwordVariable?: string;
}
