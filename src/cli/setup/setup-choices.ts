import type {
  GroundFile,
  PasswordSetting,
  RetentionSetting,
  ServiceFile,
} from '../../config/index.ts';

/** What `init` writes down: given by options, answered on the terminal, or proposed. */
export interface SetupChoices {
  readonly name: string;
  readonly location: string;
  readonly password: PasswordSetting;
  /** Without one nothing is ever forgotten. */
  readonly retention?: RetentionSetting | undefined;
  readonly files?: ChosenFiles | undefined;
  readonly volumes?: readonly ChosenVolume[];
  /** URL of a PostgreSQL server, without a password. */
  readonly connection?: string | undefined;
  /** The container that is this server. */
  readonly server?: ChosenServer | undefined;
  readonly services?: ChosenServices | undefined;
  readonly stateFolder?: string | undefined;
}

export interface ChosenFiles {
  /** Of the source: other hosts may use the same repository. */
  readonly name: string;
  /** Absolute. */
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
}

/** Of Docker. */
export interface ChosenVolume {
  /** Of the source. */
  readonly name: string;
  readonly volume: string;
  /** Undefined: the current one. */
  readonly context?: string | undefined;
  /** Has sh and tar, for where this host cannot read the volume itself. */
  readonly image?: string | undefined;
  /** Where it is used, for people. */
  readonly note?: string | undefined;
}

export interface ChosenServer {
  readonly container: string;
  /** A superuser. */
  readonly user: string;
  readonly database: string;
  /** In the container. */
  readonly dataFolder?: string | undefined;
  readonly hasPassword: boolean;
  /** Of the container's environment: holds the password of the superuser. */
  readonly passwordVariable?: string | undefined;
  /** Name in `services`. */
  readonly service?: string | undefined;
  readonly ground?: GroundFile | undefined;
  /** What is to be known of where its data lies. */
  readonly groundNote?: string | undefined;
}

export interface ChosenServices {
  /** By their names in `services`, servers before those that need them. */
  readonly entries: readonly ChosenService[];
  /** What is to be known of all of them, or is left out. */
  readonly notes: readonly string[];
}

export interface ChosenService {
  readonly name: string;
  readonly setting: ServiceFile;
  readonly notes: readonly string[];
  /** A port of it that this host reaches, where an address for `health` may be. */
  readonly address?: string | undefined;
}
