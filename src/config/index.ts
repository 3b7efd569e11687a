// config: lifeboat.yaml. One declaration (schema.ts) from which validation, types and the JSON Schema for
// editors come. Relative paths are taken from the file's own folder. Secrets are read only when used.
export {
  type Configuration,
  environmentOf,
  type FilesSourceSetting,
  holdsFiles,
  type IntegritySetting,
  integrityOf,
  lossObjectiveMs,
  type PostgresSourceSetting,
  type ProofsSetting,
  proofsOf,
  type RepositorySetting,
  recoveryObjectiveMs,
  retentionOf,
  type SourceSetting,
  type VolumeSourceSetting,
} from './configuration.ts';
export { findConfigFile } from './find.ts';
export { jsonSchema } from './json-schema.ts';
export { loadConfiguration, parseConfiguration } from './load.ts';
export { readPassword, type SecretSurroundings } from './password.ts';
export { pickNamed, pickRepository } from './pick.ts';
export { parseByteSize, parseTimeSpan } from './quantity.ts';
export { rememberSecrets } from './remember-secrets.ts';
export type {
  ApplicationCheckFile,
  CommandCheckSetting,
  HttpCheckSetting,
  RedisCheckSetting,
  SqlCheckSetting,
} from './schema/application-check.ts';
export type { GroundFile } from './schema/ground.ts';
export type { IncidentsFile, LossType, Severity } from './schema/incident.ts';
export type { PasswordSetting } from './schema/parts.ts';
export type { UserCheckSetting } from './schema/proofs.ts';
export type { AuthorityName, Environment, RecoveryFile } from './schema/recovery.ts';
export type { RetentionSetting } from './schema/retention.ts';
export type {
  DockerService,
  KubernetesService,
  ServiceFile,
  ServiceSetting,
  ShellService,
  SystemdService,
} from './schema/service.ts';
export type { ConfigurationFile } from './schema.ts';
export { sourcesOfService } from './sources-of-service.ts';
export {
  checkStoredConfiguration,
  configurationYaml,
  storableConfiguration,
} from './stored/storable-configuration.ts';
export {
  type ConfiguredAct,
  type ConfiguredActs,
  whatItWouldDo,
} from './stored/what-it-would-do.ts';
export { incompletePlaces } from './stored/without-secrets.ts';
export { defaultStateFolder } from './with-defaults.ts';
