import { absolutePath } from '../absolute-path.ts';
import type { ConfigurationFile } from '../schema.ts';
import { mapConfigured } from './map-configured.ts';

/** What relative paths mean where the file lies, so that it means the same elsewhere. */
export function withAbsolutePaths(
  data: ConfigurationFile,
  folder: string,
  environment: NodeJS.ProcessEnv,
): ConfigurationFile {
  const absolute = (value: unknown) => {
    return { instead: absolutePath(value as string, folder, environment) };
  };
  return mapConfigured(data, ({ role, value }) => {
    switch (role) {
      case 'path':
      case 'programs':
        return absolute(value);
      case 'path-or-word':
        return value === 'auto' || value === 'never' ? undefined : absolute(value);
      case 'location':
        return isAddress(value as string) ? undefined : absolute(value);
      default:
        return undefined;
    }
  });
}

/** `s3:...`, not a folder. */
export function isAddress(location: string): boolean {
  return /^[a-z0-9]+:/.test(location);
}
