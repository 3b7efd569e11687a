import { stringify } from 'yaml';
import type { Configuration } from '../configuration.ts';
import { describeIssue } from '../issue.ts';
import { checkReferences } from '../references.ts';
import { rememberSecrets } from '../remember-secrets.ts';
import { type ConfigurationFile, configurationSchema } from '../schema.ts';
import { mapConfigured } from './map-configured.ts';
import { type WithoutSecrets, withoutSecrets } from './without-secrets.ts';

/** As it was loaded, with what relative paths mean on this host, and without any secret: for keeping it in repositories. */
export function storableConfiguration(
  configuration: Configuration,
  environment: NodeJS.ProcessEnv,
): WithoutSecrets {
  rememberSecrets(configuration, environment);
  return withoutSecrets(configuration.declared);
}

/** A configuration that somebody stored, or what is wrong with it: it may hold anything. */
export function checkStoredConfiguration(
  value: unknown,
): { readonly configuration: ConfigurationFile } | { readonly problem: string } {
  const checked = configurationSchema.safeParse(value);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    return { problem: issue === undefined ? 'it is none' : describeIssue(issue, value) };
  }
  const wrong = checkReferences(checked.data);
  return wrong === undefined ? { configuration: checked.data } : { problem: wrong };
}

/** As lifeboat.yaml, its options in the order of the schema. Every text is written so that it is read as itself. */
export function configurationYaml(configuration: ConfigurationFile): string {
  return stringify(
    mapConfigured(configuration, () => undefined),
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}
