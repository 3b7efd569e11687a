import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Secret, writeFileDurably } from '../../core/index.ts';
import { initRepository, openLocation, type Repository } from '../../repository/index.ts';
import { createSource, type PostgresSource } from '../../sources/index.ts';
import { configurationText } from '../setup/configuration-text.ts';
import type { DemoServer } from './demo-server.ts';

export interface DemoPlace {
  readonly repository: Repository;
  readonly source: PostgresSource;
  /** A lifeboat.yaml that works with what the demo made. */
  readonly configFile: string;
}

/** The demo's repository, source and configuration, as `lifeboat init` would make them. */
export async function prepareDemoPlace(
  server: DemoServer,
  signal: AbortSignal,
): Promise<DemoPlace> {
  const place = (name: string) => join(server.folder, name);
  const password = new Secret(randomBytes(24).toString('base64url'));
  const passwordFile = place('lifeboat.password');
  await writeFileDurably(passwordFile, `${password.reveal()}\n`, { mode: 0o600 });
  const repository = await initRepository({
    location: openLocation(place('repository')),
    password,
    signal,
  });
  const configFile = place('lifeboat.yaml');
  const configuration = configurationText(
    {
      name: 'the demo shop',
      location: place('repository'),
      connection: server.url,
      password: { file: passwordFile },
      stateFolder: place('state'),
    },
    server.folder,
  );
  await writeFileDurably(configFile, configuration, { mode: 0o600 });
  const source = await createSource({
    kind: 'postgres',
    name: 'database',
    connection: server.settings,
    stateFolder: place('state'),
  });
  return { repository, source, configFile };
}
