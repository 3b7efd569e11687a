// config: lifeboat.yaml. One declaration (schema.ts) from which validation, types and the JSON Schema for
// editors come. Relative paths are taken from the file's own folder. Secrets are read only when used.
export { findConfigFile } from './find.ts';
export { jsonSchema } from './json-schema.ts';
export { type Configuration, loadConfiguration, parseConfiguration } from './load.ts';
export { readPassword, type SecretSurroundings } from './password.ts';
export { pickNamed } from './pick.ts';
export { parseByteSize } from './quantity.ts';
export type { PasswordSetting, PostgresSourceSetting, RepositorySetting } from './schema.ts';
