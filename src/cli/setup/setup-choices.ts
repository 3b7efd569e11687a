import type { PasswordSetting, RetentionSetting } from '../../config/index.ts';

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
}
